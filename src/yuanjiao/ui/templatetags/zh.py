"""Filters for Chinese pages: sizes, durations, shares, ages. Built in for every template."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template

from yuanjiao.lib import clock, money
from yuanjiao.lib.shares import per_cent

register = template.Library()


@register.filter
def size(value: int | None) -> str:
    """Bytes as people read them: 3.1 MB."""
    if value is None:
        return "—"
    number = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit in {"B", "KB"} else f"{number:.1f} {unit}"
        number /= 1000
    return ""


@register.filter
def duration(value: timedelta | float | int | None) -> str:
    """Seconds or a timedelta: 3 天 4 小时, 2 小时 5 分, 40 秒."""
    if value is None:
        return "—"
    total = int(value.total_seconds() if isinstance(value, timedelta) else value)
    days, rest = divmod(max(total, 0), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {minutes} 分" if minutes else f"{hours} 小时"
    return f"{minutes} 分" if minutes else f"{seconds} 秒"


@register.filter
def clock_length(value: float | int | None) -> str:
    """Playing time: 3:05 or 1:02:07."""
    if value is None:
        return "—"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def since(value: datetime | None) -> str:
    """How long ago."""
    return "—" if value is None else duration(clock.now() - value)


@register.filter
def yuan(value: int | None) -> str:
    """Fen as people read them: 1,234.50 元."""
    return "—" if value is None else f"{money.yuan(value)} 元"


@register.filter
def share(value: float | None) -> str:
    """A ratio as per cent with two decimals; a dash when there is nothing to divide by."""
    return "—" if value is None else per_cent(value)


@register.filter
def whole_share(value: float | None) -> str:
    """A ratio as whole per cent, where decimals would claim more than is known: a confidence."""
    return "—" if value is None else f"{value * 100:.0f}%"


@register.filter
def points(value: float | None) -> str:
    """A change of a share in percentage points, with its sign."""
    return "—" if value is None else f"{value * 100:+.2f} 个百分点"


@register.filter
def attribute(row: Any, name: str) -> Any:
    return getattr(row, name, "")
