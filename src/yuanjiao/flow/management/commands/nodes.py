"""`yuanjiao nodes list | issue-code | revoke`: which machines may speak to this one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.nodes import commands
from yuanjiao.flow.nodes.models import Node, NodeKind
from yuanjiao.flow.nodes.queries import child_nodes, node_by_uid, own_node, parent_node, waiting_codes
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "节点：列表、签发登记码、吊销"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="列出本机、上级、下级节点和未用的登记码")
        issue = acts.add_parser("issue-code", help="签发一个登记码；只显示这一次")
        issue.add_argument("--kind", required=True, choices=NodeKind.values)
        issue.add_argument("--name", required=True, help="节点名称，如 柳溪县边缘服务器")
        issue.add_argument("--subject", default="", help="台账编号，如 E-990101")
        issue.add_argument("--scope", default="", help="下发范围（区划路径）")
        issue.add_argument("--hours", type=float, default=72.0, help="有效小时数")
        revoke = acts.add_parser("revoke", help="吊销一个下级节点：此后不再相信它")
        revoke.add_argument("uid", type=UUID)
        revoke.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            commands.ensure_self(at=clock.now())
            {"list": self._list, "issue-code": self._issue, "revoke": self._revoke}[options["act"]](options)
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
        state = f"已吊销：{node.revoked_reason}" if node.revoked_at else f"时钟偏差 {node.clock_offset_s:+.0f} 秒"
        self.stdout.write(f"{place}\t{node.uid}\t{node}\t{node.subject_code}\t{state}")

    def _issue(self, options: dict[str, Any]) -> None:
        self.stdout.write(
            commands.issue_code(
                kind=options["kind"],
                name=options["name"],
                subject_code=options["subject"],
                scope=options["scope"],
                valid_hours=options["hours"],
                at=clock.now(),
            )
        )

    def _revoke(self, options: dict[str, Any]) -> None:
        node = node_by_uid(options["uid"])
        commands.revoke_node(node=node, reason=options["reason"], at=clock.now())
        self.stdout.write(f"已吊销 {node}")
