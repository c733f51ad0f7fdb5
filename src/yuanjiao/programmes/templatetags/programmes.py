"""What faces include of programmes: `{% urgent_notices %}` before everything, `{% themes_and_channels %}` on a first page."""

from __future__ import annotations

from typing import Any

from django import template

from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.lib import clock
from yuanjiao.programmes import queries

register = template.Library()


def _path_here() -> str | None:
    """The division this node serves; None at the top."""
    return own_node().scope or None if parent_node() else None


@register.inclusion_tag("programmes/_notice.html")
def urgent_notices() -> dict[str, Any]:
    """Notices in force for this place."""
    return {"notices": queries.notices_now(at=clock.civil_now(), path=_path_here())}


@register.inclusion_tag("programmes/_themes.html")
def themes_and_channels() -> dict[str, Any]:
    """Live programmes, themes of the day with their banners, and the channels."""
    path, on, at = _path_here(), clock.today(), clock.civil_now()
    return {
        "lives": queries.lives_now(at=at, path=path),
        "themes": queries.themes_now(on=on, path=path),
        "channels": queries.channels_shown(on=on, path=path),
    }
