"""What was chosen when this machine was set up: kept beside its settings, so that a second run with fewer options changes nothing.

There is no code and no secret in it. Another HOME, user or parent is another machine: it is asked for twice (`--change`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge.files import below

CHOSEN = Path("/etc/yuanjiao/setup.json")
MOVES = {"parent": "上级", "home": "数据目录", "user": "运行用户"}
"""What makes it another machine."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `yuanjiao edge setup` that stay; `tls` is caddy, nginx or none."""

    parent: str
    home: str = "/var/lib/yuanjiao"
    user: str = "yuanjiao"
    port: int = 8000
    name: str = "边缘服务器"
    tls: str = "none"
    host: str = ""
    public: bool = False
    certificate: str = ""
    certificate_key: str = ""
    parent_ca: str = ""
    set_clock: bool = False

    def text(self) -> str:
        """As the file holds it."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


def choose(root: Path, given: Mapping[str, object], *, change: bool = False) -> Chosen:
    """What was chosen before, changed by what is said now (None is not said). Refused when it would become another machine unasked."""
    kept = _kept(root)
    said = {name: value for name, value in given.items() if value is not None and name in Chosen.__struct_fields__}
    if "parent" in said:
        said["parent"] = str(said["parent"]).rstrip("/")
    if "home" in said:
        said["home"] = str(Path("/") / str(said["home"]))
    if kept is None and "parent" not in said:
        raise Refused("请用 --parent 写明上级地址，如 https://centre.example")
    now = msgspec.structs.replace(kept, **said) if kept else Chosen(**said)  # type: ignore[arg-type]
    if kept and not change:
        _require_the_same(kept, now)
    return now


def _require_the_same(kept: Chosen, now: Chosen) -> None:
    for name, word in MOVES.items():
        was, asked = getattr(kept, name), getattr(now, name)
        if was != asked:
            raise Refused(f"本机已装好，{word}是 {was}，不是 {asked}：什么都没有改动。不想换就不写 --{name}；确实要换，请加 --change")


def _kept(root: Path) -> Chosen | None:
    path = below(root, CHOSEN)
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Chosen)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(f"{CHOSEN} 读不懂：请改正它；或删去它，再写明全部选项运行一次") from None
