"""What a start page is made of: figures that open, and panels (ui/panels.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from yuanjiao.ui.panels import Panel


@dataclass(frozen=True)
class Figure:
    """One number; its address opens the rows behind it."""

    label: str
    value: str | int
    address: str
    bad: bool = False
    note: str = ""


@dataclass
class Desk:
    """One person's start page."""

    figures: list[Figure] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Desk) -> None:
        """Lay the page of another role of the same person under this one; the same thing is shown once."""
        self.figures += [figure for figure in other.figures if figure not in self.figures]
        titles = {panel.title for panel in self.panels}
        self.panels += [panel for panel in other.panels if panel.title not in titles]
        self.actions += [action for action in other.actions if action not in self.actions]
