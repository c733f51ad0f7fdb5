"""`yuanjiao backup FILE`: this machine in one file, while it goes on."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.wiring.edge.backup import write_backup


class Command(BaseCommand):
    requires_system_checks = ()
    help = "备份：数据库、密钥、信任的根、日志存档和设置写进一个文件；可在运行中进行"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="要写的文件；不能已经存在。内有私钥，请像密钥一样保管")
        parser.add_argument("--with-blobs", action="store_true", help="连同课件文件；不带时由上级重新下发，中心没有上级，应当带")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = write_backup(options["file"], with_blobs=options["with_blobs"], at=clock.now())
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"写不出 {options['file']}：{error.strerror}；没有留下半个文件") from None
        self.stdout.write(f"已写出 {options['file']}：{done.files} 个文件，{done.size / 1e6:.1f} MB，清单摘要 {done.sha256}")
        self.stdout.write("其中有本机的私钥：请加密存放，不要与本机放在一处")
