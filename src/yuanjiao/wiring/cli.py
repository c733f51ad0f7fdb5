"""The `yuanjiao` command: Django's management commands under one name, with the settings already chosen."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from yuanjiao.lib.disk import disk_trouble
from yuanjiao.lib.env import BadSetting
from yuanjiao.lib.errors import YuanjiaoError

DEMO = {
    "YUANJIAO_HOME": "var/demo/centre",
    "YUANJIAO_ROLE": "centre",
    "YUANJIAO_NAME": "青禾市中心",
    # Three times as often as in a village, so that what breaks is seen while one watches.
    "YUANJIAO_BEAT_PERIOD_S": "20",
    "YUANJIAO_BEAT_GRACE_S": "15",
    "YUANJIAO_SWEEP_S": "2",
    "YUANJIAO_SHIP_S": "3",
    "YUANJIAO_FOLLOW_S": "5",
}
"""`demo` and `simulate` live in a folder of their own unless HOME says otherwise."""

TRY_LATER = 75
"""EX_TEMPFAIL of sysexits.h: nothing is wrong with what was asked."""


def shared_address(arguments: list[str]) -> str:
    """Where other intakes reach the process that `serve --shared` or `intake` starts; empty for every other command."""
    if arguments[1:2] != ["intake"] and not (arguments[1:2] == ["serve"] and "--shared" in arguments):
        return ""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default="8000")
    told, _ = parser.parse_known_args(arguments[2:])
    host = "127.0.0.1" if told.host in {"0.0.0.0", "::"} else told.host
    return f"http://{host}:{told.port}"


def main(argv: list[str] | None = None) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    arguments = ["yuanjiao", *(sys.argv[1:] if argv is None else argv)]
    if arguments[1:2] and arguments[1] in {"demo", "simulate"} and "YUANJIAO_HOME" not in os.environ:
        os.environ.update({name: value for name, value in DEMO.items() if name not in os.environ})
    if arguments[1:3] == ["edge", "setup"]:
        with tempfile.TemporaryDirectory() as nowhere:  # it makes another HOME than its own; none may be left where it was called
            os.environ["YUANJIAO_HOME"] = nowhere
            return _execute(arguments)
    if "YUANJIAO_INTAKE_ADDRESS" not in os.environ and (address := shared_address(arguments)):
        os.environ["YUANJIAO_INTAKE_ADDRESS"] = address  # before the settings are read: the jobs depend on it
    return _execute(arguments)


def _execute(arguments: list[str]) -> int:
    from django.core.management import execute_from_command_line  # after the settings variable is set
    from django.db import DatabaseError

    from yuanjiao.wiring.closed import open_doors
    from yuanjiao.wiring.newborn import refuse_newer

    try:
        with open_doors(arguments):
            refuse_newer(arguments)
            execute_from_command_line(arguments)
    except BadSetting as error:
        sys.stderr.write(f"yuanjiao: {error}\n")
        return 2
    except YuanjiaoError as error:
        sys.stderr.write(f"yuanjiao: {error.message}\n")
        return 1
    except (OSError, DatabaseError) as error:
        words = disk_trouble(error)
        if not words:
            raise
        sys.stderr.write(f"yuanjiao: {words}\n")
        return TRY_LATER
    return 0
