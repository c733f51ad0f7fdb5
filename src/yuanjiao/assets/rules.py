"""Pure rules of equipment: what may be done with it where it stands, and when its life is over."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

USUAL_LIFE_YEARS = 6
"""Expected life of a kind for which nobody set another."""
WARRANTY_DAYS = 90
"""Warranties that end within so many days are shown."""


COUNTY_DEPTH = 3
"""Codes in the path of a county: province, city, county."""


class Act(StrEnum):
    """What is kept of a piece of equipment's way."""

    MOVED = "moved"
    ISSUED = "issued"
    HANDED_BACK = "handed_back"
    TO_REPAIR = "to_repair"
    REPAIRED = "repaired"
    SCRAPPED = "scrapped"
    LISTED = "listed"


def bought_before(day: date, life_years: int) -> date:
    """Whatever was bought on or before this day has lived `life_years` on `day`."""
    year = max(day.year - life_years, 1)
    try:
        return day.replace(year=year)
    except ValueError:  # the 29th of February
        return day.replace(year=year, day=28)


def years_used(bought: date, day: date) -> int:
    """Whole years since the day of purchase."""
    return day.year - bought.year - ((day.month, day.day) < (bought.month, bought.day))


def county_path(path: str) -> str:
    """The path of the county in which a division lies; of the division itself above counties."""
    parts = path.strip("/").split("/")
    return "/" + "/".join(parts[:COUNTY_DEPTH]) + "/"
