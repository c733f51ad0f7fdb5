"""What boxes and edges send to `/beat`, made into numbers of the live array. Receive time decides; device time only measures."""

from yuanjiao.network.inputs.hearing import Heard, RosterUnknown, hear_compact, hear_edge, hear_place, hear_site, place_of
from yuanjiao.network.inputs.messages import (
    MAX_BODY_BYTES,
    EdgeBeat,
    Play,
    SiteBeat,
    TooLarge,
    iso,
    parse_time,
    plain_body,
    read_compact,
    read_edge_beat,
    read_site_beat,
)

__all__ = [
    "MAX_BODY_BYTES",
    "EdgeBeat",
    "Heard",
    "Play",
    "RosterUnknown",
    "SiteBeat",
    "TooLarge",
    "hear_compact",
    "hear_edge",
    "hear_place",
    "hear_site",
    "iso",
    "parse_time",
    "place_of",
    "plain_body",
    "read_compact",
    "read_edge_beat",
    "read_site_beat",
]
