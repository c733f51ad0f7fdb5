"""`yuanjiao enrol --parent URL --code CODE`: join the node above with a one-time code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.catalogue.passing import pass_root_on
from yuanjiao.flow.catalogue.trust import pin_root
from yuanjiao.flow.journal.queries import former_seq
from yuanjiao.flow.nodes.queries import signs_catalogue
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import join
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "用一次性登记码在上级节点登记本机"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--parent", required=True, help="上级地址，如 https://centre.example")
        parser.add_argument("--code", required=True, help="上级签发的登记码")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)  # a new machine enrols before its first start
        line = Line(options["parent"])
        try:
            parent, root = join(line=line, code=options["code"], at=clock.now(), last_seq=former_seq() or None)
            if not signs_catalogue():  # else the root of our own catalogue would be lost, and nobody below could follow it
                pin_root(root)
                pass_root_on(root)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        finally:
            line.close()
        self.stdout.write(f"已在上级 {parent.name} 登记。请以 YUANJIAO_PARENT={options['parent']} 运行本节点")
