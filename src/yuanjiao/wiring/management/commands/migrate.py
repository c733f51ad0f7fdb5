"""`yuanjiao migrate`: as Django's, but a database that is new begins as a copy of the empty one made at set-up (wiring/newborn.py)."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from yuanjiao.wiring.newborn import begin_with_the_empty_one


class Command(migrate.Command):
    help = "把数据库升到本软件的版本；新的数据库从安装时备好的空库开始"

    def handle(self, *args: Any, **options: Any) -> None:
        if options["app_label"] is None:
            begin_with_the_empty_one(connections[options["database"]])
        super().handle(*args, **options)
