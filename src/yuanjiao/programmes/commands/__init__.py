"""Every write of programmes, by noun."""

from yuanjiao.programmes.commands.arrivals import watch_arrivals
from yuanjiao.programmes.commands.bulletins import (
    change_bulletin,
    choose_items,
    draft_bulletins,
    draft_edition,
    end_bulletin,
    open_bulletin,
    reopen_edition,
    send_edition,
    send_rest,
    skip_edition,
    stop_edition,
    write_bulletin,
)
from yuanjiao.programmes.commands.channels import add_block, close_channel, drop_block, lay_days, open_channel, relay_days
from yuanjiao.programmes.commands.delivering import send_bulletins
from yuanjiao.programmes.commands.leaving import choose_bulletins, note_opt_out
from yuanjiao.programmes.commands.live import announce_live, cancel_live, change_live, end_live, hand_recording, waits_for_item
from yuanjiao.programmes.commands.notices import confirm_notice, confirm_on_television, issue_notice, recall_notice, tell_arrivals
from yuanjiao.programmes.commands.onair import keep_live, leave_live, make_recordings
from yuanjiao.programmes.commands.outlets import end_outlet, note_publication, note_removal, publish_on, register_outlet, send_again
from yuanjiao.programmes.commands.reach import tell_catalogue, watch_departures
from yuanjiao.programmes.commands.sending import send_publications
from yuanjiao.programmes.commands.themes import change_theme, open_theme, set_banner
from yuanjiao.programmes.commands.use import note_play, note_rating, room_to_count, tell_plays

__all__ = [
    "add_block",
    "announce_live",
    "cancel_live",
    "change_bulletin",
    "change_live",
    "change_theme",
    "choose_bulletins",
    "choose_items",
    "close_channel",
    "confirm_notice",
    "confirm_on_television",
    "draft_bulletins",
    "draft_edition",
    "drop_block",
    "end_bulletin",
    "end_live",
    "end_outlet",
    "hand_recording",
    "issue_notice",
    "keep_live",
    "lay_days",
    "leave_live",
    "make_recordings",
    "note_opt_out",
    "note_play",
    "note_publication",
    "note_rating",
    "note_removal",
    "open_bulletin",
    "open_channel",
    "open_theme",
    "publish_on",
    "recall_notice",
    "register_outlet",
    "relay_days",
    "reopen_edition",
    "room_to_count",
    "send_again",
    "send_bulletins",
    "send_edition",
    "send_publications",
    "send_rest",
    "set_banner",
    "skip_edition",
    "stop_edition",
    "tell_arrivals",
    "tell_catalogue",
    "tell_plays",
    "waits_for_item",
    "watch_arrivals",
    "watch_departures",
    "write_bulletin",
]
