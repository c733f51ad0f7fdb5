"""A rate without its known share and its bounds cannot be rendered: every template that prints one prints them too."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.template import Context, Template

import yuanjiao
from yuanjiao.network.rules import RULE, Rate
from yuanjiao.network.rules.rates import Target

EVERY = sorted(Path(yuanjiao.__file__).parent.glob("*/templates/**/*.html"))
PRINTED = re.compile(r"\{\{\s*([\w.]+)\.value\|share\s*\}\}")
TARGETS = {"target", "rate.target"}
OTHER_PAGES = {"coverage.html", "rulings.html"}
"""Coverage of villages; the list of targets."""
TEMPLATES = [path for path in EVERY if path.parts[-2] != "faults" and path.name not in OTHER_PAGES]
"""The room of faults prints shares of faults, which are all known."""


def test_the_templates_are_there() -> None:
    assert {"rates.html", "site.html", "_rate_cell.html", "_rate_figure.html"} <= {path.name for path in TEMPLATES}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: "/".join(path.parts[-2:]))
def test_a_template_that_prints_a_rate_prints_what_is_known_and_what_could_be(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in set(PRINTED.findall(text)) - TARGETS:
        assert f"{name}.coverage" in text, f"{name} without its known share"
        assert f"{name}.bounds" in text or "bounds" in text, f"{name} without its bounds"


@pytest.mark.clause("NET05")
@pytest.mark.parametrize("tag", ["{% rate_cell rate %}", "{% rate_figure rate '畅通率' %}"])
def test_both_tags_print_value_known_share_bounds_and_target(tag: str) -> None:
    rate = Rate(
        up=90, down=5, unknown=5, excluded=0, population=1, suspended=0, rule=RULE, start=datetime(2026, 3, 1, tzinfo=UTC),
        target=Target(0.98, "青组发1号", "青禾市"),
    )  # fmt: skip
    page = Template("{% load rates %}" + tag).render(Context({"rate": rate}))
    for words in ("94.74%", "95.00%", "90.00%", "未达到", "98.00%"):
        assert words in page


@pytest.mark.parametrize("tag", ["{% rate_cell rate %}", "{% rate_figure rate '畅通率' %}"])
def test_no_value_is_printed_where_too_little_is_known(tag: str) -> None:
    rate = Rate(up=50, down=0, unknown=50, excluded=0, population=1, suspended=0, rule=RULE, start=datetime(2026, 3, 1, tzinfo=UTC))
    page = Template("{% load rates %}" + tag).render(Context({"rate": rate}))
    assert "已知部分只有 50.0%" in page
    assert "50.00%" in page
    assert "100.00%" in page
    assert "<strong>—" in page or ">—</span>" in page
