"""`yuanjiao nodes list | issue-code | revoke | move | farewell | let-go`: which machines may speak to this one, and to whom it speaks."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.catalogue.passing import change_parent
from yuanjiao.flow.journal import handover
from yuanjiao.flow.nodes import commands
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.moving import let_go
from yuanjiao.flow.nodes.queries import child_nodes, node_by_uid, own_node, parent_node, signs_catalogue, waiting_codes
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "节点：列表、签发登记码、吊销、换上级"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="列出本机、上级、下级节点和未用的登记码")
        issue = acts.add_parser("issue-code", help="签发一个登记码；只显示这一次")
        issue.add_argument("--kind", required=True, choices=NodeKind.values)
        issue.add_argument("--name", required=True, help="节点名称，如 柳溪县边缘服务器")
        issue.add_argument("--subject", default="", help="台账编号，如 E-990101")
        issue.add_argument("--scope", default="", help="下发范围（区划路径）")
        issue.add_argument("--former", default="", help="本节点原来的范围（换上级、换范围时写）：在那里记下、还没送到的记录仍可收")
        issue.add_argument("--hours", type=float, default=72.0, help="有效小时数")
        revoke = acts.add_parser("revoke", help="吊销一个下级节点：此后不再相信它")
        revoke.add_argument("uid", type=UUID)
        revoke.add_argument("--reason", required=True)
        move = acts.add_parser("move", help="在本机运行：转到另一个上级（先停下本节点的服务）")
        move.add_argument("--parent", required=True, help="新上级的地址")
        move.add_argument("--code", required=True, help="新上级签发的登记码")
        move.add_argument("--from", dest="former", default=settings.PARENT, help="原上级的地址，不写就是 YUANJIAO_PARENT")
        farewell = acts.add_parser("farewell", help="在本机运行：移交时没有联系上原上级，现在告诉它")
        farewell.add_argument("--parent", required=True, help="原上级的地址")
        let_go = acts.add_parser("let-go", help="记下一个下级节点已移交别处（它自己没能告诉本机时）")
        let_go.add_argument("uid", type=UUID)
        let_go.add_argument("--to", required=True, help="移交给谁")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            commands.ensure_self(at=clock.now())
            acts = {"list": self._list, "issue-code": self._issue, "revoke": self._revoke}
            acts |= {"move": self._move, "farewell": self._farewell, "let-go": self._let_go}
            acts[options["act"]](options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None

    def _list(self, options: dict[str, Any]) -> None:
        parent = parent_node()
        self._line("本机", own_node())
        if parent is not None:
            self._line("上级", parent)
        for node in child_nodes():
            self._line("下级", node)
        for code in waiting_codes(at=clock.now()):
            self.stdout.write(f"未用登记码\t{code.name}\t{code.subject_code}\t有效至 {code.expires_at:%Y-%m-%d %H:%M} UTC")

    def _line(self, place: str, node: Node) -> None:
        gone = node.revoked_reason if node.moved_at else f"已吊销：{node.revoked_reason}"
        state = gone if node.revoked_at else f"时钟偏差 {node.clock_offset_s:+.0f} 秒"
        self.stdout.write(f"{place}\t{node.uid}\t{node}\t{node.subject_code}\t{state}")

    def _issue(self, options: dict[str, Any]) -> None:
        self.stdout.write(
            commands.issue_code(
                kind=options["kind"],
                name=options["name"],
                subject_code=options["subject"],
                scope=options["scope"],
                former_scope=options["former"],
                valid_hours=options["hours"],
                at=clock.now(),
            )
        )

    def _revoke(self, options: dict[str, Any]) -> None:
        node = node_by_uid(options["uid"])
        commands.revoke_node(node=node, reason=options["reason"], at=clock.now())
        self.stdout.write(f"已吊销 {node}")

    def _move(self, options: dict[str, Any]) -> None:
        former = options["former"]
        new, old = Line(options["parent"]), Line(former) if former else None
        try:
            done = handover.move(old=old, new=new, code=options["code"], at=clock.now())
        finally:
            for line in (new, old):
                if line is not None:
                    line.close()
        if not signs_catalogue():
            change_parent(done.root)
        self.stdout.write(f"已转到上级 {done.parent.name}；原上级没有确认的 {done.unacknowledged} 条记录将送给新上级。")
        if done.farewell:
            self.stdout.write(
                f"原上级还不知道本机已经移交（{done.farewell}）：以后运行 yuanjiao nodes farewell --parent {former or '原上级地址'}"
            )
        self.stdout.write(f"请以 YUANJIAO_PARENT={options['parent']} 运行本节点。下面的节点要在本机重新登记，才会相信新上级的目录。")

    def _farewell(self, options: dict[str, Any]) -> None:
        line = Line(options["parent"])
        try:
            handover.say_farewell(line, at=clock.now())
        finally:
            line.close()
        self.stdout.write("原上级已知道本机移交")

    def _let_go(self, options: dict[str, Any]) -> None:
        node = node_by_uid(options["uid"])
        let_go(node=node, to_name=options["to"], at=clock.now())
        self.stdout.write(f"已记下 {node} 移交 {options['to']}")
