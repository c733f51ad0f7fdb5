"""`yuanjiao clock show|set`: how far this machine's clock is from its parent's; set it by that."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.journal.queries import own_last_at
from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.flow.wire import parents_time
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, YuanjiaoError
from yuanjiao.wiring.edge import timekeeping as keeping


class Command(BaseCommand):
    help = "本机时钟：与上级相差多少；按上级签名的报时校正"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("show", help="向上级问时，说出相差多少；不改动时钟")
        acts.add_parser("set", help="向上级问时，并按它校正本机时钟（须有 CAP_SYS_TIME；平时由 yuanjiao-clock.timer 运行）")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = self._ask()
            if options["act"] == "show":
                self.stdout.write(f"{keeping.in_words(asked.ahead_s)}（误差不超过 {asked.within_s:.3f} 秒）")
                return
            plan = self._set(asked)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        self.stdout.write(plan.words)

    def _ask(self) -> parents_time.ParentsTime:
        parent = parent_node()
        if parent is None or not settings.PARENT:
            raise Refused("本机没有上级：请用授时服务（chrony 或 systemd-timesyncd）校正时钟")
        line = parents_time.time_line(settings.PARENT)
        try:
            asked = parents_time.ask(line, parent)
        finally:
            line.close()
        parents_time.keep(asked)
        return asked

    def _set(self, asked: parents_time.ParentsTime) -> keeping.Plan:
        setter, last = keeping.system_setter(), own_last_at()
        found = keeping.Found(
            ahead_s=asked.ahead_s, within_s=asked.within_s, now=clock.seconds(),
            last_entry=last.timestamp() if last else 0.0, kept_by_service=setter.kept_by_service(),
        )  # fmt: skip
        plan = keeping.decide(found)
        keeping.carry_out(plan, setter)
        if plan.act is keeping.Act.STEP:  # else a restart without a line would put right once more what is right now
            parents_time.keep(
                msgspec.structs.replace(asked, ahead_s=asked.ahead_s - plan.by_s, clock_s=clock.seconds(), steady_s=clock.steady_s())
            )
        keeping.note(plan, now=clock.seconds())
        return plan
