"""A channel's programme guide as XMLTV, which television stations and set-top boxes read (DLV10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n'


@dataclass(frozen=True)
class Programme:
    """One line of the guide; times aware, in the zone the guide is written for."""

    starts_at: datetime
    ends_at: datetime
    title: str
    summary: str = ""
    category: str = ""


def xmltv(*, channel: str, name: str, programmes: Sequence[Programme]) -> bytes:
    """The guide of one channel; `channel` is its id, unique in the world as XMLTV asks (a domain-like name)."""
    root = ElementTree.Element("tv", {"generator-info-name": "yuanjiao"})
    head = ElementTree.SubElement(root, "channel", {"id": channel})
    ElementTree.SubElement(head, "display-name", {"lang": "zh"}).text = name
    for one in programmes:
        about = {"start": _stamp(one.starts_at), "stop": _stamp(one.ends_at), "channel": channel}
        entry = ElementTree.SubElement(root, "programme", about)
        ElementTree.SubElement(entry, "title", {"lang": "zh"}).text = _clean(one.title)
        if one.summary:
            ElementTree.SubElement(entry, "desc", {"lang": "zh"}).text = _clean(one.summary)
        if one.category:
            ElementTree.SubElement(entry, "category", {"lang": "zh"}).text = _clean(one.category)
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="utf-8")
    return HEAD + body


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S %z")


def _clean(text: str) -> str:
    """XML 1.0 cannot hold control characters."""
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t")
