"""`yuanjiao surveys list | redraw`: what was drawn, and the same draw done again from the kept frame and seed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.surveys.queries import differences, drawn_again, survey_by_uid, surveys, visits_of


class Command(BaseCommand):
    help = "百村调查：列出各次调查；照留存的抽样框和种子再抽一遍，与样本比较"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="各次调查的编号、种子、样本数")
        again = acts.add_parser("redraw", help="再抽一遍；与样本不符时以 1 结束")
        again.add_argument("uid", type=UUID, help="调查的编号")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["act"] == "list":
                self._list()
            else:
                self._redraw(options["uid"])
        except YuanjiaoError as error:
            raise CommandError(error.message) from error

    def _list(self) -> None:
        for one in surveys(["/"]):
            self.stdout.write(f"{one.uid}  {one.frame_on}  种子 {one.seed}  抽 {one.size}  {one.get_state_display()}  {one.title}")

    def _redraw(self, uid: UUID) -> None:
        survey = survey_by_uid(uid, ["/"])
        taken = {row.member.code for row in visits_of(survey)}
        for stratum, codes in drawn_again(survey).items():
            drawn = [code for code in codes if code in taken]
            self.stdout.write(f"{stratum or '不分层'}：框 {len(codes)}，抽 {len(drawn)}")
            for rank, code in enumerate(codes[: len(drawn)], 1):
                self.stdout.write(f"  {rank:>4}  {code}")
        wrong = differences(survey)
        for one in wrong:
            self.stderr.write(f"不符：{one.stratum} 第 {one.rank} 个，样本是 {one.kept}，应为 {one.drawn}")
        if wrong:
            raise CommandError(f"{len(wrong)} 处与样本不符")
        self.stdout.write("与样本相符")
