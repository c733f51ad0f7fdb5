"""`yuanjiao demo`: a living city on this machine, with a list of addresses, accounts and things to try."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from yuanjiao.simulation.city import Plan
from yuanjiao.simulation.demo import Demo, Kept, Running


class Command(BaseCommand):
    help = "演示：中心、两台真实边缘服务器和其余模拟站点组成的一座城市"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="中心的端口；两台边缘服务器用其后两个端口")
        parser.add_argument("--counties", type=int, default=6)
        parser.add_argument("--towns", type=int, default=60)
        parser.add_argument("--sites", type=int, default=1200)
        parser.add_argument("--seed", type=int, default=7, help="随机种子：同样的种子得到同样的城市")
        parser.add_argument("--history-days", type=float, default=2.0, help="补多少天的运行记录")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(options["counties"], options["towns"], options["sites"], options["seed"])
        demo = Demo(Path(settings.HOME).parent, plan, options["port"], options["history_days"], self._say)
        with demo.alone():
            demo.clear_unfinished()
            call_command("migrate", verbosity=0, interactive=False)
            self._live(demo, demo.kept() or demo.found(_found_city))

    def _live(self, demo: Demo, kept: Kept) -> None:
        running = demo.run(kept)
        try:
            self._tell(demo, kept, running)
            wait_for_end()
        finally:
            self._say("正在停止 …")
            running.stop()

    def _say(self, text: str) -> None:
        self.stdout.write(f"[演示] {text}")
        self.stdout.flush()

    def _tell(self, demo: Demo, kept: Kept, running: Running) -> None:
        centre = running.centre.address
        lines = [
            "",
            "城市已经活起来了。",
            f"  学习门户（不用登录）   {centre}/          电视页（六个键）  {centre}/tv/",
            f"  工作台（登录）         {centre}/desk/     大屏（领导账号）  {centre}/screen/",
            *(f"  边缘服务器 {edge.environment['YUANJIAO_NAME']}   {edge.address}/   {edge.address}/tv/" for edge, _ in running.edges),
            "",
            f"账号（密码都是 {kept.password}）",
            *(f"  {username:<12} {name}  {role}" for username, name, role in demo.accounts()),
            "",
            "可以试试（另开一个终端）",
            *(f"  .venv/bin/yuanjiao simulate {line}" for line in things_to_try(running)),
            "",
            "按 Ctrl-C 停止；再次 make demo 接着上次继续，删掉 var/demo 重新开始。",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def things_to_try(running: Running) -> list[str]:
    code = running.present.real[0].code
    site = running.present.real[0].sites[0]
    return [
        f"cut {code}        # 切断这台边缘服务器的上联：门户和电视页照常，学习照记，恢复后补报",
        f"kill {code}       # 关掉这台边缘服务器：中心看到一个根源，而不是几百条告警",
        f"cut {site.line}   # 挖断一条接入线路：一个根源，全镇站点受影响",
        f"cut {site.code}   # 弄坏一个站点的机顶盒",
        f"mend {code}       # 修好",
        "status            # 现在有什么是坏的",
    ]


def _found_city(at: datetime, password: str) -> object:
    found_city = import_string("yuanjiao.wiring.founding.found_city")
    return found_city(
        code="990100000000", name="青禾市", province_name="清源省", admin_name="陈启明", username="shiguan", password=password, at=at
    )


def wait_for_end() -> None:
    """Until Ctrl-C or a polite end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
