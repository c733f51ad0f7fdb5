"""`yuanjiao journal status | verify | replay | retry`: what the journal holds, whether it proves itself, and building again from it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.queries import heads_now, unapplied_count, unapplied_entries
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "日志：状态、核验、重放、重试未能生效的条目"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("status", help="各节点的日志进度和未能生效的条目")
        acts.add_parser("verify", help="从头核验哈希链和签名；有错时以 1 结束")
        rebuild = acts.add_parser("replay", help="清空由日志产生的表，按日志重建，并与原来比较")
        rebuild.add_argument("--check", action="store_true", help="只比较，结束时全部还原")
        acts.add_parser("retry", help="重试未能生效的条目")

    def handle(self, *args: Any, **options: Any) -> None:
        act = {"status": self._status, "verify": self._verify, "replay": self._replay, "retry": self._retry}[options["act"]]
        try:
            act(options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None

    def _status(self, options: dict[str, Any]) -> None:
        for head in heads_now():
            own = "本机" if head.is_self else "下级"
            refusal = f"\t上级拒收：{head.refusal}" if head.refusal else ""
            self.stdout.write(
                f"{own}\t{head.name}\t{head.node}\t已有 {head.seq}\t已封 {head.sealed_seq}\t上级已收 {head.acknowledged_seq}{refusal}"
            )
        self.stdout.write(f"未能生效的条目：{unapplied_count()}")
        for row in unapplied_entries():
            self.stdout.write(f"  {row.entry.origin.name} 第 {row.entry.seq} 条 {row.entry.kind}（已试 {row.tries} 次）：{row.reason}")

    def _verify(self, options: dict[str, Any]) -> None:
        findings = verify_journal()
        self.stdout.write(f"核验 {findings.origins} 个节点、{findings.entries} 条记录、{findings.segments} 个日志段")
        if findings.faults:
            raise CommandError("\n".join(findings.faults))
        self.stdout.write("哈希链和签名全部相符")

    def _replay(self, options: dict[str, Any]) -> None:
        done = replay(at=clock.now(), keep=not options["check"])
        self.stdout.write(f"重放 {done.entries} 条记录，{done.set_aside} 条未能生效")
        for label in done.changed:
            self.stdout.write(f"  与重放前不同：{label}")
        if options["check"] and done.changed:
            raise CommandError("重放结果与现有数据不一致")
        self.stdout.write("重放结果与原来不同之处见上" if done.changed else "重放结果与原来完全一致")

    def _retry(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"已生效 {retry_set_aside(clock.now())} 条，仍有 {unapplied_count()} 条未能生效")
