"""`yuanjiao restore FILE`: be again the machine of a backup, in an empty HOME."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from yuanjiao.flow.nodes.queries import parent_node
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.wiring.edge.restore import KEPT_SETTINGS, compare, restore


class Command(BaseCommand):
    requires_system_checks = ()
    help = "从备份恢复：只能恢复到空的数据目录；先逐个核对摘要，再放回"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = restore(options["file"])
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"恢复没有完成：{error.strerror}（{error.filename or options['file']}）；改正后再运行一次") from None
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write(f"已恢复 {manifest.node_name}（{manifest.made_at:%Y-%m-%d %H:%M} UTC 的备份），原来的设置在 HOME/{KEPT_SETTINGS}")
        if not manifest.with_blobs:
            again = "启动后由上级重新下发" if parent_node() else "本机没有上级，请把 HOME 中的 blobs 和 uploads 另行放回"
            self.stdout.write(f"备份里没有课件文件：{again}")
        self.stdout.write(compare() or "可以启动了")
