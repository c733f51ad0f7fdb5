"""`yuanjiao edge setup`: make this machine an edge, with one code and one command."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from yuanjiao.lib.errors import YuanjiaoError
from yuanjiao.wiring.edge.chosen import choose
from yuanjiao.wiring.edge.setup import Plan, set_up


class Command(BaseCommand):
    requires_system_checks = ()
    help = "边缘服务器：一条命令装好（检查、登记、设置、systemd、TLS）；可以反复运行"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        make = acts.add_parser("setup", help="检查本机，在上级登记，写出设置、systemd 单元和前置服务器的配置")
        make.add_argument("--root", type=Path, default=Path("/"), help="把文件写到这个目录之下，供制作镜像；默认就是本机")
        make.add_argument("--code", default="", help="上级签发的登记码；已登记过的不要")
        make.add_argument("--parent", help="上级地址，如 https://centre.example；以下各项再次运行时不写即照旧")
        make.add_argument("--home", help="数据目录，默认 /var/lib/yuanjiao")
        make.add_argument("--user", help="运行服务的用户，没有就建立；默认 yuanjiao")
        make.add_argument("--port", type=int, help="默认 8000")
        make.add_argument("--name", help="本机名称；登记后以上级所给的为准")
        make.add_argument("--tls", choices=["caddy", "nginx", "none"], help="在前面放一个 TLS 服务器，写出它的配置；none：不放")
        make.add_argument("--host", help="本机的域名或地址，--tls 时必写")
        make.add_argument("--public", action=BooleanOptionalAction, default=None, help="caddy：向公共机构申请证书；默认由它自己签发")
        make.add_argument("--certificate", help="nginx：证书文件")
        make.add_argument("--certificate-key", help="nginx：证书的私钥文件")
        make.add_argument("--parent-ca", help="上级的根证书文件（PEM），上级的证书不是公共机构签发时用；写绝对路径")
        make.add_argument(
            "--set-clock", action=BooleanOptionalAction, default=None, help="按上级签名的报时校正本机时钟；已有授时服务（NTP）时不动它"
        )
        make.add_argument("--change", action="store_true", help="确实要把装好的机器换一个上级、数据目录或用户")
        make.add_argument("--no-start", action="store_true", help="只写文件和登记，不启动服务")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            steps = list(self._said(_plan(options)))
        except YuanjiaoError as error:
            raise CommandError(error.message) from None
        wrong = [step for step in steps if not step.ok]
        if wrong:
            raise CommandError("没有装完。" + "；".join(f"请{step.who}处理：{step.words}" for step in wrong))
        self.stdout.write("装好了。再运行一次会逐项核对")

    def _said(self, plan: Plan) -> Any:
        for step in set_up(plan):
            self.stdout.write(f"{'✓' if step.ok else '✗'} {step.words}")
            yield step


def _plan(options: dict[str, Any]) -> Plan:
    root = options["root"].resolve()
    chosen = choose(root, options, change=options["change"])
    return Plan(chosen, code=options["code"], root=root, start=not options["no_start"])
