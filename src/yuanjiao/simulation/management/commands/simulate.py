"""`yuanjiao simulate`: make a city, let it live through days, break and mend things, compare findings with the truth."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from yuanjiao.lib import clock
from yuanjiao.simulation.behaviour import true_faults
from yuanjiao.simulation.city import Plan, make_city
from yuanjiao.simulation.comparison import compare, read_truth
from yuanjiao.simulation.foundation import ADMIN
from yuanjiao.simulation.history import live_through, write_truth
from yuanjiao.simulation.judge.court import Case
from yuanjiao.simulation.judge.session import judge_apart, judge_here
from yuanjiao.simulation.people import People
from yuanjiao.simulation.present import Order, broken_by_hand, give_order, orders_so_far
from yuanjiao.simulation.transport import InsideTransport
from yuanjiao.simulation.workbook import portions, write_workbook
from yuanjiao.simulation.world import World, remember, simulated_edges


class Command(BaseCommand):
    help = "模拟一座城市：生成台账、快进运行、弄坏与修好、把系统的判断与真相对照"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        make = acts.add_parser("workbook", help="生成一座城市的台账 xlsx")
        self._city_options(make)
        make.add_argument("--out", type=Path, required=True)
        live = acts.add_parser("history", help="在本节点内快进运行若干天（台账须已导入），真相写入文件")
        self._city_options(live)
        live.add_argument("--days", type=float, default=1.0)
        live.add_argument("--step-minutes", type=float, default=10.0)
        live.add_argument("--haste", type=float, default=4.0, help="故障与修理快多少倍")
        live.add_argument("--truth", type=Path, required=True)
        for act, text in (("cut", "切断线路、上联或弄坏站点"), ("kill", "关掉边缘服务器"), ("mend", "修好")):
            one = acts.add_parser(act, help=text)
            one.add_argument("code", help="台账编号，如 E-990105、L-990105100、S-990105100200")
            if act != "mend":
                one.add_argument("--minutes", type=float, default=0.0, help="多少分钟后自己恢复；0 为不自行恢复")
        acts.add_parser("status", help="现在有什么是被手工弄坏的")
        court = acts.add_parser("judge", help="在全新的库里让一座城市过若干天，逐拍核对系统的判断、类别与畅通秒数，写成一页")
        court.add_argument("--days", type=float, default=30.0)
        court.add_argument("--haste", type=float, default=1.0, help="故障频繁多少倍")
        court.add_argument("--seed", type=int, nargs="+", default=[2026], help="随机种子，可以几个：每个各过一遍")
        court.add_argument("--right-clocks", action="store_true", help="所有边缘的钟都准")
        court.add_argument("--out", type=Path, help="写到哪个文件")
        court.add_argument("--here", action="store_true", help="就在本进程和本库里做（须是新库）；不加则另起进程，用完即弃")
        for name, default in (("counties", 6), ("towns", 150), ("sites", 3000)):
            court.add_argument(f"--{name}", type=int, default=default)
        check = acts.add_parser("compare", help="把系统查到的中断与真相文件对照")
        check.add_argument("truth", type=Path)

    def _city_options(self, parser: ArgumentParser) -> None:
        for name, default in (("counties", 6), ("towns", 60), ("sites", 1200), ("seed", 7)):
            parser.add_argument(f"--{name}", type=int, default=default)

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {
            "workbook": self._workbook,
            "history": self._history,
            "status": self._status,
            "compare": self._compare,
            "judge": self._judge,
        }
        acts.get(options["act"], self._by_hand)(options)

    def _plan(self, options: dict[str, Any]) -> Plan:
        try:
            return Plan(options["counties"], options["towns"], options["sites"], options["seed"])
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _workbook(self, options: dict[str, Any]) -> None:
        out: Path = options["out"]
        pieces = portions(make_city(self._plan(options)))
        for number, piece in enumerate(pieces, 1):
            path = out if len(pieces) == 1 else out.with_stem(f"{out.stem}-{number}")
            self.stdout.write(f"{write_workbook(piece, path, since=date(2025, 1, 1))} 行写入 {path}")

    def _history(self, options: dict[str, Any]) -> None:
        city, end = make_city(self._plan(options)), clock.now().replace(microsecond=0)
        start = end - timedelta(days=options["days"])
        faults = true_faults(city, start=start, end=end, haste=options["haste"])
        folder = folder_of_orders() / "edges"
        edges = simulated_edges(
            city, transport=InsideTransport(), folder=folder, at=start, period_s=settings.BEAT_PERIOD_S, grace_s=settings.BEAT_GRACE_S
        )
        world = World(city, faults, edges, People(city, options["haste"]))
        step = timedelta(minutes=options["step_minutes"])
        steps = live_through(world, start=start, end=end, step=step, report=lambda share: self.stdout.write(f"{share:.0%}"))
        remember(edges, folder)
        write_truth(faults, options["truth"])
        self.stdout.write(f"{steps} 步，{len(faults)} 次真实故障，真相写入 {options['truth']}")

    def _by_hand(self, options: dict[str, Any]) -> None:
        now = clock.now()
        minutes = options.get("minutes", 0.0)
        until = now + timedelta(minutes=minutes) if minutes else None
        give_order(folder_of_orders(), Order(options["act"], options["code"], now, until))
        self.stdout.write({"cut": "已切断", "kill": "已关掉", "mend": "已修好"}[options["act"]] + f" {options['code']}，几秒内生效")

    def _status(self, options: dict[str, Any]) -> None:
        now: datetime = clock.now()
        broken = sorted(broken_by_hand(orders_so_far(folder_of_orders()), now))
        self.stdout.write("\n".join(broken) or "没有被手工弄坏的东西")

    def _judge(self, options: dict[str, Any]) -> None:
        if not options["here"]:
            names = ("days", "haste", "counties", "towns", "sites")
            arguments = [part for name in names for part in (f"--{name}", str(options[name]))]
            judge_apart([*arguments, *(["--right-clocks"] if options["right_clocks"] else [])], options["seed"], options["out"])
            return
        call_command("migrate", verbosity=0, interactive=False)
        plan = self._plan({**options, "seed": options["seed"][0]})
        case = Case(plan, options["days"], options["haste"], wrong_clocks=not options["right_clocks"])
        judge_here(case, Path(settings.HOME), _found_city, self._say, options["out"])

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _compare(self, options: dict[str, Any]) -> None:
        if not options["truth"].exists():
            raise CommandError(f"没有真相文件 {options['truth']}")
        self.stdout.write(compare(read_truth(options["truth"])).text())


def _found_city(at: datetime) -> object:
    found_city = import_string("yuanjiao.wiring.founding.found_city")
    return found_city(code="990100000000", name="青禾市", province_name="清源省", admin_name="陈启明", username=ADMIN, at=at)


def folder_of_orders() -> Path:
    """Beside the node's HOME, where the demo's living city looks."""
    return Path(settings.HOME).parent / "simulation"
