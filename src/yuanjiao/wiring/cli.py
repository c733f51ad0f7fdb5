"""The `yuanjiao` command: Django's management commands under one name, with the settings already chosen."""

from __future__ import annotations

import os
import sys

from yuanjiao.lib.env import BadSetting
from yuanjiao.lib.errors import YuanjiaoError


def main(argv: list[str] | None = None) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    arguments = ["yuanjiao", *(sys.argv[1:] if argv is None else argv)]
    try:
        from django.core.management import execute_from_command_line  # after the settings variable is set

        execute_from_command_line(arguments)
    except BadSetting:
        return 2
    except YuanjiaoError:
        return 1
    return 0
