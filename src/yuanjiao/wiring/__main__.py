"""`python -m yuanjiao.wiring` is the `yuanjiao` command."""

import sys

from yuanjiao.wiring.cli import main

sys.exit(main())
