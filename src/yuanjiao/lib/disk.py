"""What a disk that is full or read-only does to everything else, told by its errors in one sentence for whoever must act."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = "磁盘已满：请清理或换一块大的；节目照常播放，新的记录和下载暂停"
READ_ONLY = "磁盘或数据目录只读：磁盘可能已坏，或数据目录的属主不对；节目照常播放，什么也存不下"
ERRNOS = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}
WORDS = {
    "database or disk is full": FULL,
    "No space left on device": FULL,
    "attempt to write a readonly database": READ_ONLY,
    "Read-only file system": READ_ONLY,
}
"""By what databases say: SQLite, and PostgreSQL's server."""


def disk_trouble(error: BaseException | None) -> str:
    """The sentence when this error, or one behind it, comes of the disk; empty for every other."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in ERRNOS:
            return ERRNOS[error.errno]
        found = [sentence for words, sentence in WORDS.items() if words in str(error)]
        if found:
            return found[0]
        error = error.__cause__ or error.__context__
    return ""


def is_read_only(folder: Path) -> bool:
    """Whether nothing can be kept there. A disk with errors is often made read-only by the kernel while everything runs."""
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY) or not os.access(folder, os.W_OK)
