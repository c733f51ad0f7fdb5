"""Articles: from what an author writes (plain marks) or brings (HTML of a Word file) to HTML that can do no harm, and its plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import nh3

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST_SOURCE = 100_000
TAGS = {
    "p", "br", "hr", "h2", "h3", "h4", "strong", "em", "u", "sub", "sup", "blockquote", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "a", "img", "figure", "figcaption",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
OWN_PICTURE = re.compile(r"/blobs/[0-9a-f]{64}\.jpg")
PICTURE_MARK = re.compile(r"[\[［【]图\s*(\d{1,3})[\]］】]")
HEADING = re.compile(r"<h[234]>(.*?)</h[234]>", re.DOTALL)


@cache
def _marks() -> MarkdownIt:
    from markdown_it import MarkdownIt  # where it is needed: sixty modules for whoever writes an article

    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")


def clean(html: str) -> str:
    """HTML with only what an article may hold: no script, style, form or frame, pictures of this house only, links to the web."""
    text = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, attribute_filter=_allowed, url_schemes={"http", "https"},
        link_rel="noopener nofollow", clean_content_tags={"script", "style", "iframe", "object", "svg", "math", "template"},
    )  # fmt: skip
    return re.sub(r"<img(?![^>]*src=)[^>]*>", "", text).strip()


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if OWN_PICTURE.fullmatch(value) else None
    if tag in {"td", "th"}:
        return value if value.isascii() and value.isdigit() and len(value) < 3 else None
    return value


def from_marks(source: str, pictures: Mapping[int, tuple[str, str]]) -> str:
    """The article of a source in plain marks. `[图3]` on a line of its own is picture 3: `pictures` gives its address and caption."""
    html = _marks().render(re.sub(r"(?m)^(#{1,3})(?=[^#\s])", r"\1 ", source))  # 一、 people forget the blank behind the mark
    html = re.sub(r"<(/?)h1>", r"<\1h2>", html)

    def shown(match: re.Match[str]) -> str:
        found = pictures.get(int(match[1]))
        if found is None:
            return match[0]
        address, caption = found
        words = nh3.clean_text(caption)
        below = f"<figcaption>{words}</figcaption>" if caption else ""
        return f'</p><figure><img src="{address}" alt="{words}">{below}</figure><p>'

    return clean(re.sub(r"<p>\s*</p>", "", PICTURE_MARK.sub(shown, html)))


def missing_pictures(source: str, numbers: set[int]) -> list[int]:
    """Numbers of pictures that the source names and the item does not have."""
    return sorted({int(mark) for mark in PICTURE_MARK.findall(source)} - numbers)


def plain(html: str) -> str:
    """The words of an article without any mark, for search and reading aloud."""
    spaced = re.sub(r"</(p|h2|h3|h4|li|td|th|figcaption)>|<br>", "\n", html)
    text = re.sub(r"<[^>]*>", "", spaced)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return "\n".join(filter(None, (line.strip() for line in text.split("\n"))))  # no expression: a million blanks would take it hours


def under_headings(html: str) -> dict[str, str]:
    """The text that stands under each heading, by the heading's words."""
    parts = HEADING.split(html)
    return {plain(title): plain(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)}
