"""The only two ways a rate gets onto a page: as a figure or as a cell, never without its known share and its bounds."""

from __future__ import annotations

from typing import Any

from django import template

from yuanjiao.network.rules import Rate

register = template.Library()


@register.inclusion_tag("network/_rate_figure.html")
def rate_figure(rate: Rate, title: str, link: str = "") -> dict[str, Any]:
    """A tile: value, known share, bounds and target; it opens `link` when there is one."""
    return _told(rate) | {"title": title, "link": link}


@register.inclusion_tag("network/_rate_cell.html")
def rate_cell(rate: Rate) -> dict[str, Any]:
    """The inside of a table's cell: the same in two lines."""
    return _told(rate)


def _told(rate: Rate) -> dict[str, Any]:
    below = rate.target is not None and rate.value is not None and rate.value < rate.target.value
    return {"rate": rate, "bounds": rate.bounds, "target": rate.target, "below": below}
