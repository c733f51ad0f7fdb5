"""Every write of programmes, by noun."""

from yuanjiao.programmes.commands.arrivals import watch_arrivals
from yuanjiao.programmes.commands.channels import add_block, close_channel, drop_block, lay_days, open_channel, relay_days
from yuanjiao.programmes.commands.notices import confirm_notice, confirm_on_television, issue_notice, recall_notice, tell_arrivals
from yuanjiao.programmes.commands.outlets import end_outlet, note_publication, note_removal, publish_on, register_outlet, send_again
from yuanjiao.programmes.commands.reach import tell_catalogue, watch_departures
from yuanjiao.programmes.commands.sending import send_publications
from yuanjiao.programmes.commands.themes import change_theme, open_theme, set_banner
from yuanjiao.programmes.commands.use import note_play, note_rating, room_to_count, tell_plays

__all__ = [
    "add_block",
    "change_theme",
    "close_channel",
    "confirm_notice",
    "confirm_on_television",
    "drop_block",
    "end_outlet",
    "issue_notice",
    "lay_days",
    "note_play",
    "note_publication",
    "note_rating",
    "note_removal",
    "open_channel",
    "open_theme",
    "publish_on",
    "recall_notice",
    "register_outlet",
    "relay_days",
    "room_to_count",
    "send_again",
    "send_publications",
    "set_banner",
    "tell_arrivals",
    "tell_catalogue",
    "tell_plays",
    "watch_arrivals",
    "watch_departures",
]
