"""`yuanjiao found`: the first rows of a new centre."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from yuanjiao.lib import clock
from yuanjiao.wiring.founding import LONG_AGO, found_city

REVIEWS = "课件由几个人审（一审、二审、三审各一人），默认 3；以后在“课件设置”里可改"


class Command(BaseCommand):
    help = "建立一个新的中心：本市、组织部、首位市级管理员（密码只显示一次）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", required=True, help="本市的 12 位区划代码")
        parser.add_argument("--name", required=True, help="本市名称，如 青禾市")
        parser.add_argument("--province", default="本省", help="省名")
        parser.add_argument("--since", type=date.fromisoformat, default=LONG_AGO, help="本市区划与单位的启用日期，默认 2000-01-01")
        parser.add_argument("--admin-name", default="市级管理员", help="首位管理员姓名")
        parser.add_argument(
            "--reviews",
            type=int,
            choices=range(1, 4),
            default=3,
            help=REVIEWS,
        )
        parser.add_argument("--admin", default="shiguan", help="首位管理员账号")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        founded = found_city(
            code=options["code"],
            name=options["name"],
            province_name=options["province"],
            admin_name=options["admin_name"],
            username=options["admin"],
            since=options["since"],
            reviews=options["reviews"],
            at=clock.now(),
        )
        self.stdout.write(f"已建立 {options['name']}。账号 {founded.username}，密码 {founded.password}（请登录后立即修改）")
