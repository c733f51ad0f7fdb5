"""What must be so before anything is written: Python, rights, room, a free port, a parent that answers, a clock that is right."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from yuanjiao.flow.nodes.codes import looks_right
from yuanjiao.flow.wire.pace import trusted
from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge.files import Step

INSTALLER, NETWORK, ABOVE = "装机的人", "网络管理员", "上级管理员"
LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000
"""Room for the program's own data; lessons need more and say so themselves."""
CLOCK_S = 120.0
WAIT_S = 10.0


def checks(*, root: Path, home: Path, parent: str, code: str, address: str, port: int, ca: str = "") -> Iterator[Step]:
    """Everything is looked at, so that whoever installs can put right all of it at once."""
    yield _python()
    if root == Path("/"):
        yield Step("以 root 运行", True) if os.geteuid() == 0 else Step("须以 root 运行：请在命令前加 sudo", False, INSTALLER)
    yield _room(home)
    yield _port(address, port)
    if code and not looks_right(code):
        yield Step("登记码应为 24 位字母和数字，如 XXXX-XXXX-XXXX-XXXX-XXXX-XXXX：请对照上级给的登记码", False, INSTALLER)
    yield from _parent(parent, ca)


def _python() -> Step:
    found = sys.version_info[:2]
    words = f"Python {found[0]}.{found[1]}"
    return Step(words) if found >= LEAST_PYTHON else Step(f"{words}：须 3.11 或更新，请先安装", False, INSTALLER)


def _room(home: Path) -> Step:
    there = home
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    words = f"{home} 所在磁盘剩余 {free / 1e9:.1f} GB"
    if free >= LEAST_FREE_BYTES:
        return Step(words)
    return Step(f"{words}：至少要 {LEAST_FREE_BYTES / 1e9:.0f} GB，请清理或用 --home 换一块磁盘", False, INSTALLER)


def _port(address: str, port: int) -> Step:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself asks for it
        try:
            listener.bind((address, port))
        except PermissionError:
            return Step(f"端口 {port} 不许普通程序使用：请用 --port 换一个 1024 以上的", False, INSTALLER)
        except OSError:
            if runs_here(port):
                return Step(f"端口 {port}：远教已在运行")
            return Step(f"端口 {port} 被别的程序占用：请停掉它，或用 --port 换一个", False, INSTALLER)
    return Step(f"端口 {port} 空闲")


def runs_here(port: int) -> bool:
    try:
        return _is_ours(httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=WAIT_S, trust_env=False))
    except httpx.HTTPError:
        return False


def _is_ours(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.text.strip() == "ok"


def _parent(parent: str, ca: str) -> Iterator[Step]:
    try:
        answer = httpx.get(f"{parent}/healthz", timeout=WAIT_S, trust_env=False, verify=trusted(ca))
    except Refused as error:
        yield Step(error.message, False, INSTALLER)
    except httpx.InvalidURL:
        yield Step(f"上级地址 {parent} 不是网址：应如 https://centre.example", False, INSTALLER)
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error).upper():
            advice = "请核对地址和本机时间；上级自己签发的，用 --parent-ca 写明它的根证书"
            yield Step(f"上级 {parent} 的证书不被相信（{error}）：{advice}", False, ABOVE)
        else:
            yield Step(f"连不上上级 {parent}：请检查网线、网关、域名和防火墙", False, NETWORK)
    except httpx.HTTPError as error:
        yield Step(f"上级 {parent} 没有及时应答（{type(error).__name__}）：请检查线路，或问上级是否在维护", False, NETWORK)
    else:
        if not _is_ours(answer):
            yield Step(f"{parent} 有应答，但不是远教（{answer.status_code}）：请核对地址", False, INSTALLER)
            return
        yield Step(f"上级 {parent} 有应答")
        yield _clock(answer)


def _clock(answer: httpx.Response) -> Step:
    told = answer.headers.get("date", "")
    if not told:
        return Step("上级没有说它的时间：时钟在登记时由协议自行校正")
    off = time.time() - parsedate_to_datetime(told).timestamp()
    if abs(off) <= CLOCK_S:
        return Step("本机时间与上级相符")
    return Step(
        f"本机时间比上级{'快' if off > 0 else '慢'} {abs(off):.0f} 秒：请先校时（timedatectl set-ntp true，或 date -s）", False, INSTALLER
    )
