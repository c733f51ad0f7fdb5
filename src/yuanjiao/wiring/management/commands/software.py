"""`yuanjiao software …`: releases of this software, from the centre to the machines below."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.nodes.queries import child_nodes, signs_catalogue
from yuanjiao.flow.software import commands, queries
from yuanjiao.flow.software.shelf import EVERYWHERE
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, YuanjiaoError
from yuanjiao.places.queries import division_by_code
from yuanjiao.wiring.edge import keeping


class Command(BaseCommand):
    requires_system_checks = ()
    help = "软件版本：在中心发布、分批下发、撤回，看哪台机器用哪个版本"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        publish = acts.add_parser("publish", help="把一个文件夹里的轮子（.whl：本软件和它依赖的全部包）作为一个版本收进来；还不下发")
        publish.add_argument("source", type=Path, help="文件夹，或单独一个轮子")
        send = acts.add_parser("send", help="下发一个版本：先给指明的几台，再给一个区划之下的全部")
        send.add_argument("version")
        send.add_argument("--edge", action="append", default=[], metavar="CODE", help="一台机器的台账编号；可以写几次")
        send.add_argument("--under", default="", metavar="CODE", help="这个区划（12 位代码）之下的全部机器")
        send.add_argument("--everywhere", action="store_true", help="全部机器")
        send.add_argument("--older", action="store_true", help="正在用更新版本的机器也换成这一版（降级）")
        withdraw = acts.add_parser("withdraw", help="撤回一个版本：还没有装的不再装")
        withdraw.add_argument("version")
        withdraw.add_argument("--reason", required=True)
        acts.add_parser("list", help="发布过的版本，和各台机器正在用的版本")
        for name, words in (("keep", "把数据库存进这个文件夹"), ("put-back", "把存下的数据库放回")):
            acts.add_parser(name, help=f"{words}（由 yuanjiao_keeper 在服务停着时调用）").add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {"publish": self._publish, "send": self._send, "withdraw": self._withdraw, "list": self._list}
        acts |= {"keep": self._keep, "put-back": self._put_back}
        try:
            acts[options["act"]](options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"{error.strerror}：{error.filename}") from None

    def _publish(self, options: dict[str, Any]) -> None:
        if not signs_catalogue():
            raise Refused("软件在签发目录的中心发布；本机不是")
        release = commands.publish_release(options["source"], at=clock.now())
        wheels = list(release.wheels.all())
        self.stdout.write(f"已收进版本 {release}：{len(wheels)} 个文件，{sum(wheel.size for wheel in wheels) / 1e6:.1f} MB")
        self.stdout.write(f"先给几台试用：yuanjiao software send {release} --edge 台账编号")

    def _send(self, options: dict[str, Any]) -> None:
        if not (options["edge"] or options["under"] or options["everywhere"]):
            raise Refused("请写明给谁：--edge、--under 或 --everywhere")
        at = clock.now()
        path = division_by_code(options["under"], on=clock.local_day(at)).path if options["under"] else ""
        under = EVERYWHERE if options["everywhere"] else path
        release = commands.send_release(version=options["version"], codes=options["edge"], under=under, older=options["older"], at=at)
        self.stdout.write(f"版本 {release} 随下一次目录下发；各台的结果见“软件版本”页")

    def _withdraw(self, options: dict[str, Any]) -> None:
        release = commands.withdraw_release(version=options["version"], reason=options["reason"], at=clock.now())
        self.stdout.write(f"已撤回 {release}；已经装上的机器照旧，要换请下发另一个版本")

    def _list(self, options: dict[str, Any]) -> None:
        for release in queries.releases():
            to = "、".join(sorted(ring.code or ("全部" if ring.under == EVERYWHERE else ring.under) for ring in release.rings.all()))
            state = f"已撤回：{release.withdrawn_reason}" if release.withdrawn_at else f"下发给 {to or '（还没有下发）'}"
            self.stdout.write(f"版本\t{release}\t{release.published_at:%Y-%m-%d}\t{state}")
        nodes = child_nodes()
        told = queries.running(nodes)
        for node in nodes:
            now = told.get(node.pk)
            since = f"{now.since:%Y-%m-%d %H:%M} UTC" if now and now.since else "未报"
            trouble = f"\t{now.failed.version} 没有装成：{now.failed.reason}" if now and now.failed else ""
            self.stdout.write(f"机器\t{node.subject_code}\t{node.name}\t{now.version if now else ''}\t{since}{trouble}")

    def _keep(self, options: dict[str, Any]) -> None:
        keeping.keep_database(options["folder"])

    def _put_back(self, options: dict[str, Any]) -> None:
        keeping.put_database_back(options["folder"])
