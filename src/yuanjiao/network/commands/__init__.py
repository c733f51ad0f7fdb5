"""Every write of the network, by noun."""

from yuanjiao.network.commands.labels import relabel_site
from yuanjiao.network.commands.listening import (
    changes_of,
    confirm_words,
    note_deafness,
    note_unknown,
    record_changes,
    record_play_test,
    set_mark,
)
from yuanjiao.network.commands.maintenance import announce_maintenance, cancel_maintenance
from yuanjiao.network.commands.nodes import issue_edge_code
from yuanjiao.network.commands.probes import add_probe, stop_probe
from yuanjiao.network.commands.register import (
    add_asset,
    add_edge,
    add_line,
    add_site,
    move_object,
    resume_object,
    retire_object,
    suspend_object,
)
from yuanjiao.network.commands.rhythms import set_rhythm
from yuanjiao.network.commands.rulings import issue_rule, set_target
from yuanjiao.network.commands.sightings import Sighting, enter_sightings

__all__ = [
    "Sighting",
    "add_asset",
    "add_edge",
    "add_line",
    "add_probe",
    "add_site",
    "announce_maintenance",
    "cancel_maintenance",
    "changes_of",
    "confirm_words",
    "enter_sightings",
    "issue_edge_code",
    "issue_rule",
    "move_object",
    "note_deafness",
    "note_unknown",
    "record_changes",
    "record_play_test",
    "relabel_site",
    "resume_object",
    "retire_object",
    "set_mark",
    "set_rhythm",
    "set_target",
    "stop_probe",
    "suspend_object",
]
