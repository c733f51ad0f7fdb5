"""`yuanjiao blobs …`: how well the kept files are, how a lost one comes back, what stays, and where they are kept."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from yuanjiao.courseware import shelf
from yuanjiao.courseware.queries import item_titles, items_using
from yuanjiao.flow.blobs import bucket, moving, quota, scrub
from yuanjiao.flow.catalogue.queries import documents_in_force
from yuanjiao.flow.nodes.commands import ensure_self
from yuanjiao.flow.nodes.queries import own_node
from yuanjiao.lib import clock
from yuanjiao.lib.errors import Refused, YuanjiaoError


class Command(BaseCommand):
    help = "课件文件：核对、列出损坏的、拷回；限额内指定保留"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("check", help="现在就把全部文件按摘要核对一遍；有坏的以 1 结束")
        acts.add_parser("spoilt", help="列出已坏或不见的文件和用到它们的课件")
        take = acts.add_parser("take", help="从下级、备份或别处拷来的文件里，把本机坏了的补回来")
        take.add_argument("files", nargs="+", type=Path, help="文件；按内容认，名字不限")
        acts.add_parser("room", help="限额用了多少、放不下多少、指定保留哪些")
        keep = acts.add_parser("pin", help="指定保留一件课件：限额再紧也不让位，不在本机的取来")
        keep.add_argument("item", type=UUID, help="课件编号，即网页地址里的那一串")
        free = acts.add_parser("unpin", help="不再指定保留")
        free.add_argument("item", type=UUID)

        mark = acts.add_parser("prepare-s3", help="在 S3 存储的桶里做上本机的标记，并试一遍所需的权限；没有标记的桶不用")
        mark.add_argument("--take-over", action="store_true", help="接过已不在了的另一个节点的桶")
        acts.add_parser("move-to-s3", help="把本机磁盘上的文件逐个搬进 S3 存储：读回核对后才删本机的；可以中断再续")
        back = acts.add_parser("move-to-disk", help="把 S3 存储里的文件逐个取回本机磁盘；可以中断再续")
        back.add_argument("--delete", action="store_true", help="取回并核对之后，删去存储里的")

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {"check": self._check, "spoilt": self._spoilt, "take": self._take}
        acts |= {"room": self._room, "pin": self._pin, "unpin": self._unpin}
        acts |= {"prepare-s3": self._prepare, "move-to-s3": self._to_bucket, "move-to-disk": self._to_disk}
        try:
            acts[options["act"]](options)
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

    def _room(self, options: dict[str, Any]) -> None:
        room = quota.room()
        if room is None:
            self.stdout.write("没有限额（YUANJIAO_BLOB_QUOTA）：目录所列的都存")
        else:
            out = f"放不下 {room.left_out} 个文件，共 {room.left_out_bytes} 字节"
            self.stdout.write(f"限额 {room.quota} 字节，已用 {room.used} 字节；{out}")
        names = quota.pinned()
        titles = item_titles([UUID(name) for name in names])
        for name in names:
            self.stdout.write(f"指定保留\t{name}\t{titles.get(UUID(name), '还没有到本机')}")

    def _prepare(self, options: dict[str, Any]) -> None:
        if not bucket.is_on():
            raise Refused("没有设置 YUANJIAO_BLOBS_S3")
        ensure_self(at=clock.now())
        bucket.bucket().prepare(str(own_node().uid), take_over=options["take_over"])
        self.stdout.write(f"可以用了：{settings.BLOBS_S3}")

    def _to_bucket(self, options: dict[str, Any]) -> None:
        self._say(moving.to_bucket(say=self.stdout.write))

    def _to_disk(self, options: dict[str, Any]) -> None:
        self._say(moving.to_disk(delete=options["delete"], say=self.stdout.write))

    def _say(self, moved: moving.Moved) -> None:
        self.stdout.write(f"搬了 {moved.blobs} 个文件，{moved.size} 字节")
        if moved.wrong:
            raise CommandError("内容与摘要不符，没有搬：" + "、".join(moved.wrong))

    def _pin(self, options: dict[str, Any]) -> None:
        item: UUID = options["item"]
        if not any(one.meant_by({item}) for document in documents_in_force(shelf.name) for one in shelf.needs_of(document)):
            raise Refused("目录里没有这件课件")
        quota.pin(str(item), at=clock.now())
        self.stdout.write("已指定保留；不在本机的文件一分钟内开始排队下载")

    def _unpin(self, options: dict[str, Any]) -> None:
        quota.unpin(str(options["item"]))
        self.stdout.write("不再指定保留")
