"""Reads of programmes, by noun. All of it is about items, objects and places, never about viewers."""

from yuanjiao.programmes.queries.arrivals import (
    HeldAt,
    ModeReach,
    Picture,
    arrival_of,
    arrivals_seen,
    picture_of,
)
from yuanjiao.programmes.queries.channels import (
    AiringNow,
    ChannelNow,
    airings_of,
    channel_by_uid,
    channels_managed_by,
    channels_now,
    channels_shown,
    day_of,
    guide_of,
    live_master,
    live_media,
)
from yuanjiao.programmes.queries.notices import (
    Reach,
    edge_reach,
    notice_by_uid,
    notices_now,
    notices_seen_by,
    site_reach,
    untold_notices,
)
from yuanjiao.programmes.queries.outlets import (
    outlet_for,
    outlets_managed_by,
    publication_for,
    publications_managed_by,
    withdrawn_here,
)
from yuanjiao.programmes.queries.reach import Gone, departure_for, departures_seen, gone_from
from yuanjiao.programmes.queries.scopes import audiences, made_here, names_of
from yuanjiao.programmes.queries.themes import ThemeNow, theme_now, themes_managed_by, themes_now
from yuanjiao.programmes.queries.use import ItemUse, item_use, use_by_county

__all__ = [
    "AiringNow",
    "ChannelNow",
    "Gone",
    "HeldAt",
    "ItemUse",
    "ModeReach",
    "Picture",
    "Reach",
    "ThemeNow",
    "airings_of",
    "arrival_of",
    "arrivals_seen",
    "audiences",
    "channel_by_uid",
    "channels_managed_by",
    "channels_now",
    "channels_shown",
    "day_of",
    "departure_for",
    "departures_seen",
    "edge_reach",
    "gone_from",
    "guide_of",
    "item_use",
    "live_master",
    "live_media",
    "made_here",
    "names_of",
    "notice_by_uid",
    "notices_now",
    "notices_seen_by",
    "outlet_for",
    "outlets_managed_by",
    "picture_of",
    "publication_for",
    "publications_managed_by",
    "site_reach",
    "theme_now",
    "themes_managed_by",
    "themes_now",
    "untold_notices",
    "use_by_county",
    "withdrawn_here",
]
