"""The lean door of metadata: every machine below asks for the timestamp every few seconds, and nearly always there is nothing new.

When there is, all of them ask for the same few files; what Django says besides would be longer than the files.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.flow.catalogue import answers
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.catalogue.shards import METADATA_URL
from yuanjiao.lib.rsgi import Asker, Question

PATH = f"{METADATA_URL}timestamp.json"
VERSIONED = re.compile(METADATA_URL + r"\d{1,18}\.(?:root|snapshot|targets)\.json", re.ASCII)


@dataclass(frozen=True)
class Timestamp:
    """The file as it was read; `mark` changes when another one is put in its place."""

    mark: tuple[int, int, int]
    content: bytes
    tag: str


_read: dict[Path, Timestamp] = {}


def takes(path: str, method: str) -> bool:
    """Whether this question is for here; HEAD goes to the view."""
    return method == "GET" and (path == PATH or VERSIONED.fullmatch(path) is not None)


async def door(question: Question, asker: Asker) -> None:
    """As the view answers (views.py), but the timestamp never compressed: 304 for who has it, else the few hundred bytes."""
    if question.path != PATH:
        await _versioned(question, asker)
        return
    found = _timestamp(public_folder() / "metadata" / "timestamp.json")
    if found is None:
        asker.response_empty(404, [])
        return
    labels = [("etag", found.tag), ("cache-control", "no-cache")]
    if question.headers.get("if-none-match") == found.tag:
        asker.response_empty(304, labels)
    else:
        asker.response_bytes(200, [*labels, ("content-type", "application/json"), ("content-encoding", "identity")], found.content)


async def _versioned(question: Question, asker: Asker) -> None:
    """In a thread: it may have to be compressed."""
    name, said = question.path.removeprefix(METADATA_URL), question.headers
    found = await asyncio.to_thread(answers.metadata, name, lambda label: said.get(label) or "")
    labels = [(label.lower(), value) for label, value in found.labels.items()]
    if found.status == 200:
        asker.response_bytes(found.status, labels, found.body)
    else:
        asker.response_empty(found.status, labels)


def _timestamp(path: Path) -> Timestamp | None:
    """Read anew only when the file was replaced: that is always by a rename (`repository.write_file`)."""
    try:
        said = path.stat()
    except FileNotFoundError:
        return None
    mark = (said.st_ino, said.st_mtime_ns, said.st_size)
    held = _read.get(path)
    if held is None or held.mark != mark:
        content = path.read_bytes()
        held = _read[path] = Timestamp(mark, content, f'"{hashlib.sha256(content).hexdigest()}"')
    return held
