"""`yuanjiao serve`: bring the database up to date and answer requests with granian; the packaging worker runs beside it."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network.leases import living
from yuanjiao.wiring.beside import Beside
from yuanjiao.wiring.newborn import bring_up_to_date
from yuanjiao.wiring.server import run_server

WORKER = ("db_worker", "--queue-name", "*", "--interval", "1")
"""The process that takes packaging jobs from the queue in the database."""


class Command(BaseCommand):
    help = "启动本节点：迁移数据库、打开网页与收发口、运行定时任务"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--reload", action="store_true", help="源码变动时重启")
        parser.add_argument("--shared", action="store_true", help="与另开的接收进程（yuanjiao intake）按租约分担监听")
        parser.add_argument("--no-worker", action="store_true", help="不在旁边运行打包工人进程")

    def handle(self, *args: Any, **options: Any) -> None:
        bring_up_to_date()
        ensure_self(at=clock.now())
        if settings.INTAKE_ADDRESS and settings.ROLE not in {"solo", "centre"}:
            raise Refused("只有中心（centre、solo）可以有多个接收进程")
        if not settings.INTAKE_ADDRESS and living(clock.now()):
            raise Refused("另有接收进程在监听：请以 yuanjiao serve --shared 启动，或先停止它们")
        no_worker = options["no_worker"] or settings.ROLE not in {"solo", "centre"}
        self.stdout.write(f"远教 {settings.NODE_NAME}（{settings.ROLE}）http://{options['host']}:{options['port']}/")
        with nullcontext() if no_worker else Beside(WORKER):
            run_server("application", host=options["host"], port=options["port"], reload=options["reload"])
