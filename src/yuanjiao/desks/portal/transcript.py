"""The words of a WebVTT file as paragraphs people can read (文字稿)."""

from __future__ import annotations

import re

from yuanjiao.flow.blobs import store
from yuanjiao.lib.errors import NotFound

TAG = re.compile(r"<[^>]*>")
TIMES = re.compile(r"(?:(\d+):)?(\d\d):(\d\d)[.,]\d{3}\s+-->\s+(?:(\d+):)?(\d\d):(\d\d)[.,]\d{3}")
PAUSE_S = 4
LONGEST_BYTES = 1_000_000


def transcript(captions: str) -> list[str]:
    """Paragraphs of the captions in a blob; a silence of four seconds begins a new one. Empty when it is not here or not WebVTT."""
    try:
        content = store.read(captions, LONGEST_BYTES)
    except NotFound:
        return []
    return paragraphs(content.decode("utf-8-sig", errors="replace"))


def paragraphs(text: str) -> list[str]:
    if not text.lstrip("\ufeff").startswith("WEBVTT"):
        return []
    spoken: list[list[str]] = []
    last_end = -1.0
    for start, end, words in _cues(text):
        if not spoken or start - last_end > PAUSE_S:
            spoken.append([])
        if spoken[-1][-1:] != [words]:  # rolling captions repeat the line before
            spoken[-1].append(words)
        last_end = end
    return [_joined(lines) for lines in spoken]


def _cues(text: str) -> list[tuple[float, float, str]]:
    cues = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        times = TIMES.search(block)
        if times:
            words = " ".join(TAG.sub("", block[times.end() :].partition("\n")[2]).split())
            if words:
                cues.append((_seconds(times.groups()[:3]), _seconds(times.groups()[3:]), words))
    return cues


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds = (int(part or 0) for part in parts)
    return float(hours * 3600 + minutes * 60 + seconds)


def _joined(lines: list[str]) -> str:
    """Chinese lines are joined by nothing where punctuation ends them, else by a comma; Latin ones by a space."""
    text = lines[0]
    for line in lines[1:]:
        if text[-1].isascii() and text[-1].isalnum():
            text += " " + line
        else:
            text += line if text[-1] in "，。！？；：、,.!?;:" else "，" + line
    return text
