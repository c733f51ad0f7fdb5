"""How the rows of a model move between machines; every model says one of these (law 1)."""

from __future__ import annotations

from enum import StrEnum


class Travels(StrEnum):
    """UP: born of journal events, same row above. DOWN: written above, copied by the catalogue. LOCAL: never leaves."""

    UP = "up"
    DOWN = "down"
    LOCAL = "local"
