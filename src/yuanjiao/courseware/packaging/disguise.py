"""Files that are two things at once: a film for one program, a page, an archive or a program for another. They are not taken."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = 4096
TAIL = 66_000  # an archive's end record and the longest comment behind it
ALIEN_HEADS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF 文档"),
    (b"PK\x03\x04", "压缩包或办公文档"),
    (b"MZ", "Windows 程序"),
    (b"\x7fELF", "Linux 程序"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
    (b"#!", "脚本"),
    (b"\xd0\xcf\x11\xe0", "办公文档"),
)
MARKUP = re.compile(rb"<\s*(?:!doctype\s+html|html|script|svg|\?php|\?xml|iframe|body)", re.I)
END_RECORD = b"PK\x05\x06"


def disguised(path: Path) -> str:
    """Why a file is refused as something other than a recording, in Chinese; empty when nothing speaks against it."""
    with open(path, "rb") as stream:
        head = stream.read(HEAD)
        stream.seek(max(0, path.stat().st_size - TAIL))
        tail = stream.read()
    for mark, what in ALIEN_HEADS:
        if head.startswith(mark):
            return f"这不是视频文件，内容是{what}，请检查是否选错文件"
    if MARKUP.search(head):
        return "文件开头夹带网页代码，不是正常的视频文件，请用录制软件重新导出"
    if _archive_behind(tail):
        return "文件末尾夹带压缩包，不是正常的视频文件，请用录制软件重新导出"
    return ""


def _archive_behind(tail: bytes) -> bool:
    """Whether a ZIP ends where the file ends: the end record's comment reaches exactly to the last byte."""
    at = tail.rfind(END_RECORD)
    return at >= 0 and len(tail) - at >= 22 and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
