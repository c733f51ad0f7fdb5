"""`yuanjiao blobs check | spoilt | take`: how well the kept files are, and how a lost one comes back."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.courseware.queries import items_using
from yuanjiao.flow.blobs import scrub
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "课件文件：逐个核对、列出损坏的、拷回"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("check", help="现在就把全部文件按摘要核对一遍；有坏的以 1 结束")
        acts.add_parser("spoilt", help="列出已坏或不见的文件和用到它们的课件")
        take = acts.add_parser("take", help="从下级、备份或别处拷来的文件里，把本机坏了的补回来")
        take.add_argument("files", nargs="+", type=Path, help="文件；按内容认，名字不限")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"check": self._check, "spoilt": self._spoilt, "take": self._take}[options["act"]](options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None

    def _check(self, options: dict[str, Any]) -> None:
        found = scrub.scrub_all(clock.now())
        self._spoilt(options)
        if found:
            raise CommandError(f"有 {found} 个文件已坏或不见")

    def _spoilt(self, options: dict[str, Any]) -> None:
        health = scrub.spoilt_now(clock.now())
        for row in health.spoilt:
            titles = "、".join(item.title for item in items_using([row.sha256])) or "没有课件用到"
            way = "须拷回或重新打包" if row in health.lost else "向上级重取"
            found = row.found_at.astimezone(clock.CHINA)
            self.stdout.write(f"{row.sha256}\t{row.size}\t{row.get_trouble_display()}\t{found:%Y-%m-%d %H:%M}\t{way}\t{titles}")
        if not health.spoilt:
            self.stdout.write("没有坏的文件")

    def _take(self, options: dict[str, Any]) -> None:
        for source in options["files"]:
            self.stdout.write(f"已补回 {scrub.bring_back(source, at=clock.now())}")
