"""`yuanjiao catalogue keys … | export | import`: the keys that sign the catalogue, and the catalogue carried by hand.

All of it runs beside a running server; keys are changed at the top only.
"""

from __future__ import annotations

from argparse import ArgumentParser
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from securesystemslib.signer import CryptoSigner

from yuanjiao.flow.catalogue import keys, stick
from yuanjiao.flow.catalogue.signing import ROLES, SHORT, unlock
from yuanjiao.lib import clock
from yuanjiao.lib.errors import YuanjiaoError


class Command(BaseCommand):
    help = "目录：签名密钥；用 U 盘等介质带下去（导出、导入）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        _key_acts(acts.add_parser("keys", help="签名密钥的查看、更换、撤销，根密钥离线保管"))
        export = acts.add_parser("export", help="把目录和文件写成目录包，带给没有线路的下级")
        export.add_argument("target", type=Path, help="文件名，或已有的文件夹（超过 4 GB 而介质是 FAT32 时用文件夹）")
        export.add_argument("--scope", required=True, help="给谁：节点编号、台账编号、区划代码；all 只含发给所有节点的内容")
        export.add_argument("--without-blobs", action="store_true", help="只带目录，不带课件文件")
        take = acts.add_parser("import", help="从目录包更新本机的目录和文件，与从上级下载同样校验")
        take.add_argument("source", type=Path, help="目录包文件，或装有它的文件夹")

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {
            "export": self._export,
            "import": self._import,
            "show": self._show,
            "rotate": self._rotate,
            "revoke": self._revoke,
            "offline": self._offline,
            "renew": self._renew,
        }
        try:
            acts[options["keys_act"] if options["act"] == "keys" else options["act"]](options)
        except YuanjiaoError as error:
            raise CommandError(error.message) from None

    def _export(self, options: dict[str, Any]) -> None:
        nodes = stick.receivers(options["scope"])
        done = stick.export(options["target"], nodes=nodes, with_blobs=not options["without_blobs"], at=clock.now())
        for node in nodes:
            self.stdout.write(f"可用于\t{node}\t{node.subject_code}\t{node.uid}")
        self.stdout.write(f"目录文档 {done.documents} 份，文件 {done.blobs} 个，共 {done.size / 1e6:.1f} 兆字节")
        if done.missing:
            self.stdout.write(f"另有 {done.missing} 个文件本机没有，未带上")
        self.stdout.write(f"请在 {timezone.localtime(done.expires_at):%Y-%m-%d %H:%M} 前导入，过期作废")

    def _import(self, options: dict[str, Any]) -> None:
        taken = stick.take_in(options["source"], at=clock.now())
        self.stdout.write("目录已更新" if taken.changed else "目录没有变化：本机的不比它旧")
        self.stdout.write(f"导入文件 {taken.blobs} 个，仍缺 {taken.wanted} 个")
        for problem in taken.problems:
            self.stdout.write(f"  {problem}")

    def _show(self, options: dict[str, Any]) -> None:
        state = keys.root_state()
        self.stdout.write(f"根第 {state.version} 版，有效至 {state.expires_at:%Y-%m-%d}，应在 {state.renew_by:%Y-%m-%d} 后续签")
        for role in state.roles:
            self.stdout.write(f"{role.role}\t{len(role.keyids)} 把密钥，须 {role.threshold} 把签名")
            for keyid in role.keyids:
                self.stdout.write(f"  {keyid[:SHORT]}\t{'在本机' if keyid in role.here else '不在本机'}")
        for version, note in state.history:
            self.stdout.write(f"第 {version} 版根\t{note}")

    def _rotate(self, options: dict[str, Any]) -> None:
        version = keys.rotate_keys(
            options["role"],
            count=options["keys"],
            threshold=options["threshold"],
            root_keys=_root_keys(options),
            reason=options["reason"],
            at=clock.now(),
        )
        self.stdout.write(f"已更换 {options['role']} 的密钥，根第 {version} 版生效")

    def _revoke(self, options: dict[str, Any]) -> None:
        keyid, version = keys.revoke_key(options["key"], root_keys=_root_keys(options), reason=options["reason"], at=clock.now())
        self.stdout.write(f"已撤销密钥 {keyid[:SHORT]}，根第 {version} 版生效")

    def _offline(self, options: dict[str, Any]) -> None:
        opened = _root_keys(options)
        files = [(path, _passphrase(path, options, new=True)) for path in options["file"]]
        version = keys.take_root_offline(files, threshold=options["threshold"], root_keys=opened, reason=options["reason"], at=clock.now())
        self.stdout.write(f"根密钥已离线：{len(files)} 个文件，须 {options['threshold']} 把签名；根第 {version} 版生效。请取走这些文件")

    def _renew(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"根第 {keys.renew_root(root_keys=_root_keys(options), at=clock.now())} 版生效")


def _key_acts(parser: ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="keys_act", required=True)
    acts.add_parser("show", help="根的版本、各角色的密钥及其所在、历次更换")
    rotate = acts.add_parser("rotate", help="给一个角色换上新密钥（放在本机）")
    rotate.add_argument("role", choices=ROLES)
    rotate.add_argument("--keys", type=int, default=1, help="新密钥几把")
    rotate.add_argument("--threshold", type=int, default=1, help="须几把签名")
    revoke = acts.add_parser("revoke", help="撤销一把密钥：各级从此不认它")
    revoke.add_argument("key", help="密钥编号的前几位，见 show")
    offline = acts.add_parser("offline", help="换上新的根密钥，每把写进一个有口令的文件，本机不留")
    offline.add_argument("file", type=Path, nargs="+", help="新文件，如 U 盘上的 root-1.pem")
    offline.add_argument("--threshold", type=int, default=1, help="须几把签名")
    renew = acts.add_parser("renew", help="密钥不变，根续签十年（根密钥离线时用）")
    for act in (rotate, revoke, offline):
        act.add_argument("--reason", required=True, help="原因；写进根，各级都能看到")
    for act in (rotate, revoke, offline, renew):
        act.add_argument("--root-key", type=Path, action="append", default=[], help="离线的根密钥文件，可多次给出")
        act.add_argument("--passphrase-file", type=Path, help="口令文件；不给则逐个询问")


def _root_keys(options: dict[str, Any]) -> list[CryptoSigner]:
    return [unlock(path, _passphrase(path, options)) for path in options["root_key"]]


def _passphrase(path: Path, options: dict[str, Any], *, new: bool = False) -> str:
    """From the file that was named, else asked for; a new one twice."""
    if options["passphrase_file"] is not None:
        return str(options["passphrase_file"].read_text(encoding="utf-8").rstrip("\r\n"))
    told = getpass(f"{path} 的{'新' if new else ''}口令：")
    if new and getpass("再输一次：") != told:
        raise CommandError("两次输入不同")
    return told
