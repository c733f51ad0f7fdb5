"""Facts of the network and the rows they make."""

from yuanjiao.network.events.checks import EdgeChecked, Finding, PlayTested, apply_edge_checked, apply_play_tested
from yuanjiao.network.events.states import Deaf, StateChanged, apply_deaf, apply_state_changed
from yuanjiao.network.events.telling import Change, lay_ahead

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
    "lay_ahead",
]
