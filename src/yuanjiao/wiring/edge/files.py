"""Files that a set-up wants to be so: looked at, mended where they are not, said either way. Run again it finds all as it should be."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.lib.errors import Refused


@dataclass(frozen=True)
class Wanted:
    """A file (or a folder, when `text` is None) as it should be. `path` is where it stands on the machine, not under the root."""

    path: Path
    text: str | None
    mode: int
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Step:
    """What was found or done. `who` must act when it is not `ok`; empty when nobody must."""

    words: str
    ok: bool = True
    who: str = ""
    changed: bool = False


def below(root: Path, path: Path) -> Path:
    """Where a file of the machine stands under a given root."""
    return root / path.relative_to("/")


def settle(root: Path, files: Iterable[Wanted]) -> Iterator[Step]:
    """Make every file as wanted. Owners are changed on the machine itself only: an image is built by whoever builds it."""
    for file in files:
        target = below(root, file.path)
        changed = list(_mend(target, file)) if file.text is not None else list(_mend_folder(target, file))
        changed += _own(target, file) if root == Path("/") else []
        yield Step(f"{file.path}：{'、'.join(changed)}" if changed else f"{file.path}：已是应有的样子", changed=bool(changed))


def _mend(target: Path, file: Wanted) -> Iterator[str]:
    assert file.text is not None
    text = target.read_text(encoding="utf-8") if target.is_file() else None
    if text != file.text:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.touch(mode=file.mode)
        part.write_text(file.text, encoding="utf-8")
        part.chmod(file.mode)
        part.rename(target)  # whole or not at all: a machine that loses its power here still starts
        yield "已写出" if text is None else "已改正内容"
    elif target.stat().st_mode & 0o7777 != file.mode:
        target.chmod(file.mode)
        yield "已改正权限"


def _mend_folder(target: Path, file: Wanted) -> Iterator[str]:
    if not target.is_dir():
        target.mkdir(parents=True)
        target.chmod(file.mode)
        yield "已建立"
    elif target.stat().st_mode & 0o7777 != file.mode:
        target.chmod(file.mode)
        yield "已改正权限"


def _own(target: Path, file: Wanted) -> list[str]:
    """Of a folder everything in it too: what a hurried `sudo yuanjiao …` left there, the service could not write."""
    uid, gid = pwd.getpwnam(file.owner).pw_uid, grp.getgrnam(file.group).gr_gid
    inside = _all_below(target) if file.text is None else ()
    wrong = sum(_give(path, uid, gid) for path in (target, *inside))
    return [f"已改正 {wrong} 个文件的属主"] if wrong else []


def _all_below(folder: Path) -> Iterator[Path]:
    """What is there; the service goes on meanwhile, and a folder that vanishes is passed over."""
    for where, folders, names in os.walk(folder):
        yield from (Path(where, name) for name in (*folders, *names))


def _give(path: Path, uid: int, gid: int) -> bool:
    """Whether it was another's. A file that vanished meanwhile was nobody's."""
    try:
        found = path.lstat()
        if (found.st_uid, found.st_gid) == (uid, gid):
            return False
        os.chown(path, uid, gid, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def settings_text(values: dict[str, str]) -> str:
    """A settings file that systemd and a shell read alike. Refused for values that would need quoting by rules of their own."""
    for name, value in values.items():
        if set(value) & set("'\"\\$`\n\r"):
            raise Refused(f"{name} 中不能有引号、反斜杠、$ 或换行：{value!r}")
    lines = [f"YUANJIAO_{name}='{value}'" for name, value in values.items()]
    return (
        "\n".join(["# 由 yuanjiao edge setup 写出；再次安装会改回来；自己的设置请写进旁边的 local.env。各项见 docs/settings.md。", *lines])
        + "\n"
    )
