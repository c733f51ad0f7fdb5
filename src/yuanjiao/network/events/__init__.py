"""Facts of the network and the rows they make."""

from yuanjiao.network.events.checks import EdgeChecked, Finding, PlayTested, apply_edge_checked, apply_play_tested
from yuanjiao.network.events.states import Change, Deaf, StateChanged, apply_deaf, apply_state_changed

__all__ = [
    "Change",
    "Deaf",
    "EdgeChecked",
    "Finding",
    "PlayTested",
    "StateChanged",
    "apply_deaf",
    "apply_edge_checked",
    "apply_play_tested",
    "apply_state_changed",
]
