"""Loaded with -p before Django reads its settings: our own variables are wiped, HOME is new, the database is the test tool's choice."""

from __future__ import annotations

import os
import tempfile

for _name in [name for name in os.environ if name.startswith("YUANJIAO_")]:
    del os.environ[_name]
os.environ["YUANJIAO_HOME"] = tempfile.mkdtemp(prefix="yuanjiao-test-")
os.environ["YUANJIAO_SECRET_KEY"] = "only-for-tests-and-never-anywhere-else-0123456789"
if os.environ.get("TEST_DATABASE"):
    os.environ["YUANJIAO_DATABASE"] = os.environ["TEST_DATABASE"]
os.environ["YUANJIAO_DESK_SHARED_S"] = "0"  # what a test has just done is seen at once
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in the tests' thread
