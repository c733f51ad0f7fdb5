"""A clerk types what the ear heard: whole syllables as well as initials."""

from __future__ import annotations

import pytest

from yuanjiao.faults.queries import find_sites
from yuanjiao.network.rules import initials_of_pinyin
from yuanjiao.simulation.cast import Cast

LI = ["S-990101100200", "S-990101101201"]
"""李村, and the village whose first letter has no reading: the clerk hears 里村 and is shown both."""


@pytest.mark.parametrize(
    ("typed", "initials"),
    [("licun", ["lc"]), ("xian", ["x", "xa"]), ("wangzhuang", ["wz", "wza"]), ("lijiacun", ["ljc", "ljac"]), ("bxq", []), ("", [])],
)
def test_syllables_are_read_in_every_way_they_may_be(typed: str, initials: list[str]) -> None:
    assert initials_of_pinyin(typed) == initials


@pytest.mark.clause("OPS04")
@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("licun", LI),
        ("LiCun", LI),
        ("wangzhuang", ["S-990101100201"]),
        ("taohuacun", ["S-990101101200"]),
        ("lc", LI),
        ("lica", []),
        ("xunyangcun", []),
    ],
)
def test_a_site_is_found_by_whole_syllables(cast: Cast, typed: str, codes: list[str]) -> None:
    assert [site.code for site in find_sites(typed, [cast.divisions["990101000000"].path])] == codes
