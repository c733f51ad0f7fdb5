"""`yuanjiao journal status | verify | replay | retry | export | import | fork`: what the journal holds, whether it proves itself,
building again from it, carrying it to another machine, and the way out when there are two stories under one name."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.forks import Branches, branches, renew
from yuanjiao.flow.journal.moving import export_journal, import_journal, mark_of
from yuanjiao.flow.journal.queries import heads_now, kept_forks, unapplied_count, unapplied_entries
from yuanjiao.flow.journal.replay import replay
from yuanjiao.flow.journal.verify import verify_journal
from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.wire.client import parent_line
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError

SHOWN = 50
"""So many entries of a branch are listed."""


class Command(BaseCommand):
    help = "日志：状态、核验、重放、重试未能生效的条目、导出与导入、分叉"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("status", help="各节点的日志进度和未能生效的条目")
        prove = acts.add_parser("verify", help="核验哈希链和签名；有错时以 1 结束")
        prove.add_argument("--archive", action="store_true", help="连同已归档的部分，从第一条起")
        rebuild = acts.add_parser("replay", help="清空由日志产生的表，按日志重建，并与原来比较")
        rebuild.add_argument("--check", action="store_true", help="只比较，结束时全部还原")
        rebuild.add_argument("--archive", action="store_true", help="连同已归档的部分；有归档时必须加")
        acts.add_parser("retry", help="重试未能生效的条目")
        out = acts.add_parser("export", help="把全部日志段写成一个存档文件，可用 U 盘带走")
        out.add_argument("file", type=Path, help="要写的文件；不能已经存在")
        back = acts.add_parser("import", help="收进一个存档文件：逐段核验，已有的跳过，中断后可再来")
        back.add_argument("file", type=Path)
        back.add_argument("--believe", default="", metavar="印记", help="写出者的公钥印记（导出时显示）；本机不认识写出者时才要")

        fork = acts.add_parser("fork", help="本机恢复过旧备份或被复制过：列出上级所记与本机所记；以新身份重报")
        fork.add_argument("--renew", default="", metavar="登记码", help="换新身份和密钥，本机另记的以新身份重报一次；先停下本节点的服务")

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {
            "status": self._status,
            "verify": self._verify,
            "replay": self._replay,
            "retry": self._retry,
            "export": self._export,
            "import": self._import,
            "fork": self._fork,
        }
        try:
            acts[options["act"]](options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None

    def _status(self, options: dict[str, Any]) -> None:
        for head in heads_now():
            said = [
                "本机" if head.is_self else "下级",
                f"{head.name}\t{head.node}",
                f"已有 {head.seq}",
                f"已封 {head.sealed_seq}",
                f"上级已收 {head.acknowledged_seq}",
            ]
            if head.kept_from > 1:
                said.append(f"已归档至 {head.kept_from - 1}")
            if head.refusal:
                said.append(f"上级拒收：{head.refusal}")
            self.stdout.write("\t".join(said))
        for fork in kept_forks():
            how = f"已由新身份 {fork.retold_by.uid} 重报" if fork.retold_by else "等它在下级以 journal fork --renew 重报"
            self.stdout.write(
                f"分叉\t{fork.origin.name}\t第 {fork.first_seq}–{fork.last_seq} 条另有说法（{fork.heard_at:%Y-%m-%d %H:%M} UTC）\t{how}"
            )
        self.stdout.write(f"未能生效的条目：{unapplied_count()}")
        for row in unapplied_entries():
            self.stdout.write(f"  {row.entry.origin.name} 第 {row.entry.seq} 条 {row.entry.kind}（已试 {row.tries} 次）：{row.reason}")

    def _verify(self, options: dict[str, Any]) -> None:
        findings = verify_journal(archive=options["archive"])
        self.stdout.write(f"核验 {findings.origins} 个节点、{findings.entries} 条记录、{findings.segments} 个日志段")
        if findings.faults:
            raise CommandError("\n".join(findings.faults))
        self.stdout.write("哈希链和签名全部相符")

    def _replay(self, options: dict[str, Any]) -> None:
        done = replay(at=clock.now(), keep=not options["check"], archive=options["archive"])
        self.stdout.write(f"重放 {done.entries} 条记录，{done.set_aside} 条未能生效")
        for label in done.changed:
            self.stdout.write(f"  与重放前不同：{label}")
        if options["check"] and done.changed:
            raise CommandError("重放结果与现有数据不一致")
        self.stdout.write("重放结果与原来不同之处见上" if done.changed else "重放结果与原来完全一致")

    def _retry(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"已生效 {retry_set_aside(clock.now())} 条，仍有 {unapplied_count()} 条未能生效")

    def _export(self, options: dict[str, Any]) -> None:
        ensure_self(at=clock.now())
        done = export_journal(options["file"], at=clock.now())
        self.stdout.write(f"已写出 {done.segments} 个日志段、{done.entries} 条记录到 {options['file']}")
        self.stdout.write(f"本机公钥印记 {mark_of(keys.own_public_key())}：在不认识本机的机器上导入时用 --believe")

    def _import(self, options: dict[str, Any]) -> None:
        done = import_journal(options["file"], at=clock.now(), believe=options["believe"])
        self.stdout.write(f"文件中 {done.segments} 个日志段，新收 {done.fresh} 段 {done.entries} 条，{done.set_aside} 条未能生效")

    def _fork(self, options: dict[str, Any]) -> None:
        ensure_self(at=clock.now())
        if not options["renew"]:
            both = branches(parent_line())
            self._list_branches(both)
            if both.theirs:
                self.stdout.write("有分叉：请上级照本机原来的台账编号和范围再发一个登记码，然后运行 yuanjiao journal fork --renew 登记码")
            return
        both = renew(line=parent_line(), code=options["renew"], at=clock.now())
        self._list_branches(both)
        self.stdout.write(
            f"本机已换新身份；上级的 {len(both.theirs)} 条已补入，本机另记的 {len(both.ours)} 条将以新身份上报。请启动本节点的服务"
        )

    def _list_branches(self, both: Branches) -> None:
        self.stdout.write(f"与上级相同的到第 {both.common} 条")
        self.stdout.write(f"上级所记 {len(both.theirs)} 条：")
        for entry in both.theirs[:SHOWN]:
            self.stdout.write(f"  第 {entry.seq} 条 {entry.at:%Y-%m-%d %H:%M} UTC {entry.kind}")
        self.stdout.write(f"本机另记 {len(both.ours)} 条：")
        for own in both.ours[:SHOWN]:
            self.stdout.write(f"  第 {own.seq} 条 {own.at:%Y-%m-%d %H:%M} UTC {own.kind}")
