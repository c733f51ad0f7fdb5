"""`yuanjiao intake`: one more intake process beside `yuanjiao serve --shared`, on the same database and the same HOME."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused
from yuanjiao.network.leases import living
from yuanjiao.network.models import Intake, ListeningMark
from yuanjiao.wiring.server import run_server

ALONE_S = 30


class Command(BaseCommand):
    requires_system_checks = ()  # as `serve`
    help = "再开一个心跳接收进程：与 serve --shared 共用数据库，按租约分担边缘服务器"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ROLE not in {"solo", "centre"}:
            raise Refused("只有中心（centre、solo）可以有多个接收进程")
        now = clock.now()
        alone = ListeningMark.objects.filter(observer=own_node().uid, at__gt=now - timedelta(seconds=ALONE_S)).exists()
        if alone and not living(now):
            raise Refused("本机的 serve 正独自监听：请先以 yuanjiao serve --shared 重新启动")
        if Intake.objects.filter(pk__in=living(now), address=settings.INTAKE_ADDRESS).exists():
            raise Refused(f"{settings.INTAKE_ADDRESS} 已有接收进程：每个进程须有自己的 YUANJIAO_INTAKE_ADDRESS，或不设")
        self.stdout.write(f"远教 接收进程 http://{options['host']}:{options['port']}/beat")
        run_server("intake_application", host=options["host"], port=options["port"])
