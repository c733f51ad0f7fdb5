"""yuanjiao funds verify: recompute every balance from the entries and check the chain over them."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from yuanjiao.funds.models import Fund
from yuanjiao.funds.queries import FundProof, prove_fund
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Tampered
from yuanjiao.lib.money import yuan

NOTED = re.compile(r"[0-9a-fA-F]{16,64}")
"""A fingerprint as people note it: the 16 digits of the page, or all 64."""


class Command(BaseCommand):
    help = "经费：按分录重新计算各基金、各来源的余额，核对分录的指纹链"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        check = acts.add_parser("verify", help="按分录重算余额并核对指纹链；有一处不符即列出，并以非零结束")
        check.add_argument("--fund", default="", help="基金编号，默认全部")
        check.add_argument("--to", dest="until", type=date.fromisoformat, help="另列截至某日（不含）的余额，如上季度末的次日")
        check.add_argument("--head", default="", help="以前抄下的末条指纹（基金页的前 16 位或全部 64 位）：须仍在链上；与 --fund 一起用")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["head"] and not options["fund"]:
            raise CommandError("--head 须与 --fund 一起用")
        if options["head"] and not NOTED.fullmatch(options["head"]):
            raise CommandError("--head 须为 16 到 64 位十六进制数，如基金页所示")
        until = clock.day_start(options["until"]) if options["until"] else None
        with transaction.atomic():  # one view of the books, whoever pays meanwhile
            found = Fund.objects.select_for_update().order_by("code")
            proofs = [prove_fund(fund, until=until) for fund in (found.filter(code=options["fund"]) if options["fund"] else found)]
            lost = [proof for proof in proofs if options["head"] and not _on_chain(proof, options["head"])]
        if options["fund"] and not proofs:
            raise CommandError(f"没有编号为 {options['fund']} 的基金")
        for proof in proofs:
            self._tell(proof, options["until"])
        wrong = sum(len(proof.wrong) for proof in proofs) + len(lost)
        if lost:
            self.stdout.write(f"  抄下的指纹 {options['head']} 不在链上")
        if wrong:
            raise Tampered(f"账册与分录不符：{wrong} 处。请保留现场，由管理员与审计员一起查明，不要再记账")
        self.stdout.write(f"共 {len(proofs)} 个基金，余额逐笔重算，全部一致")

    def _tell(self, proof: FundProof, until: date | None) -> None:
        self.stdout.write(f"{proof.fund.code} {proof.fund.name}：分录 {proof.entries} 条，末条指纹 {proof.head}")
        for source in proof.fund.sources.order_by("pk"):
            then = f"；截至 {until:%Y-%m-%d}（不含）{yuan(proof.balances_then[source.name])} 元" if until else ""
            self.stdout.write(f"  {source.name}：余额 {yuan(proof.balances[source.name])} 元{then}")
        for words in proof.wrong:
            self.stdout.write(f"  不符：{words}")


def _on_chain(proof: FundProof, head: str) -> bool:
    return proof.fund.entries.filter(entry_hash__startswith=head.lower()).exists()
