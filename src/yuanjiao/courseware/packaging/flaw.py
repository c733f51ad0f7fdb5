"""The one word for a rendition that fails its proof."""

from __future__ import annotations


class NotProved(Exception):
    """The rendition is not what it must be; the message says in Chinese what is wrong."""
