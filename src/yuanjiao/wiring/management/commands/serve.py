"""`yuanjiao serve`: bring the database up to date and answer requests with granian; the packaging worker runs beside it."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, YuanjiaoError
from yuanjiao.network.models import Intake
from yuanjiao.wiring.newborn import bring_up_to_date, require_whole
from yuanjiao.wiring.server import run_server

LOG = logging.getLogger(__name__)


class Command(BaseCommand):
    requires_system_checks = ()  # they look at the code, and the tests run them; a start need not load every page for it
    help = "启动本节点：迁移数据库、打开网页与收发口、运行定时任务"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--reload", action="store_true", help="源码变动时重启")
        parser.add_argument("--shared", action="store_true", help="与另开的接收进程（yuanjiao intake）按租约分担监听")
        parser.add_argument("--trial", action="store_true", help="只看能否启动：不开收发口，不运行定时任务（yuanjiao_keeper 用）")
        parser.add_argument("--no-worker", action="store_true", help="不在旁边运行打包工人进程")

    def handle(self, *args: Any, **options: Any) -> None:
        require_whole()
        bring_up_to_date()
        ensure_self(at=clock.now())
        if options["trial"]:
            run_server("trial_application", host=options["host"], port=options["port"])
        if settings.INTAKE_ADDRESS and settings.ROLE not in {"solo", "centre"}:
            raise Refused("只有中心（centre、solo）可以有多个接收进程")
        if not settings.INTAKE_ADDRESS and Intake.objects.living(clock.now()).exists():
            raise Refused("另有接收进程在监听：请以 yuanjiao serve --shared 启动，或先停止它们")
        if (Path(settings.HOME) / "restored").exists():
            self._say_what_came_back()
        packaging = settings.ROLE in {"solo", "centre"} and not options["no_worker"]
        self.stdout.write(f"远教 {settings.NODE_NAME}（{settings.ROLE}）http://{options['host']}:{options['port']}/")
        run_server("application", host=options["host"], port=options["port"], reload=options["reload"], packaging=packaging)

    def _say_what_came_back(self) -> None:
        import httpx  # all this asks the parent: nothing that other starts need
        import msgspec

        from yuanjiao.wiring.edge.restore import compare

        strange = (DatabaseError, LookupError, OSError, TypeError, ValueError, YuanjiaoError)
        try:
            said = compare()
        except (*strange, httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:  # systemd would start us again for ever
            LOG.exception("the stories could not be compared")
            said = f"本机是从备份恢复的，还没有与上级核对（{type(error).__name__}）：请运行 yuanjiao journal fork"
        if said:
            self.stderr.write(said)
