"""Every write of the network, by noun."""

from yuanjiao.network.commands.listening import (
    confirm_words,
    note_deafness,
    record_play_test,
    record_transitions,
    set_mark,
)
from yuanjiao.network.commands.nodes import issue_edge_code
from yuanjiao.network.commands.register import add_asset, add_edge, add_line, add_site, resume_object, suspend_object

__all__ = [
    "add_asset",
    "add_edge",
    "add_line",
    "add_site",
    "confirm_words",
    "issue_edge_code",
    "note_deafness",
    "record_play_test",
    "record_transitions",
    "resume_object",
    "set_mark",
    "suspend_object",
]
