"""`yuanjiao search rebuild | status`: the search index of this machine, built anew from the rows, and how it stands."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.courseware import queries, search


class Command(BaseCommand):
    help = "搜索索引：按现有课件重建，或查看待编入的数量"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["rebuild", "status"])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "rebuild":
            try:
                self.stdout.write(f"已重建索引，共 {search.rebuild()} 件课件")
            except ValueError:
                raise CommandError("别的进程正在写索引，请稍后再试") from None
        self.stdout.write(f"待编入 {queries.search_due_count()} 件")
