"""An auditor recomputes the books by one command, and sees what was altered behind the program's back (story 25)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from tests.funds.conftest import DUES, FISCAL, Books
from yuanjiao.funds import queries
from yuanjiao.funds.models import Entry, Fund, Source
from yuanjiao.lib.errors import Tampered


def verify(*options: str) -> str:
    told = StringIO()
    call_command("funds", "verify", *options, stdout=told)
    return told.getvalue()


@pytest.fixture
def used(books: Books) -> Books:
    books.give(1_000_000)
    books.at += timedelta(days=40)
    books.pay(250_000)
    books.give(70_000, DUES)
    return books


def test_one_command_tells_the_balances_and_that_the_chain_holds(used: Books) -> None:
    told = verify("--to", "2026-04-01")
    assert f"{FISCAL}：余额 7,500.00 元；截至 2026-04-01（不含）10,000.00 元" in told
    assert f"{DUES}：余额 700.00 元；截至 2026-04-01（不含）0.00 元" in told
    assert "余额逐笔重算，全部一致" in told
    assert Fund.objects.get().head in told
    assert verify("--to", "2026-04-01") == told  # the same figures, asked again


ALTERATIONS: dict[str, Callable[[], object]] = {
    "an amount": lambda: Entry.objects.filter(number=2).update(amount_fen=150_000),
    "an amount with its balance": lambda: (
        Entry.objects.filter(number=2).update(amount_fen=150_000),
        Source.objects.filter(name=FISCAL).update(balance_fen=850_000),
    ),
    "the payee": lambda: Entry.objects.filter(number=2).update(payee="别处"),
    "who approved": lambda: Entry.objects.filter(number=2).update(approved_name="别人"),
    "the source": lambda: Entry.objects.filter(number=3).update(source=Source.objects.get(name=FISCAL)),
    "the moment": lambda: Entry.objects.filter(number=1).update(at=F("at") + timedelta(days=1)),
    "a row taken out": lambda: Entry.objects.filter(number=2).delete(),
    "the last row taken out": lambda: Entry.objects.filter(number=3).delete(),
    "the balance": lambda: Source.objects.filter(name=DUES).update(balance_fen=70_001),
    "the head": lambda: Fund.objects.update(head="1" * 64),
}


@pytest.mark.parametrize("alteration", list(ALTERATIONS))
def test_what_is_altered_behind_the_programs_back_is_seen(used: Books, alteration: str) -> None:
    assert not queries.prove_fund(Fund.objects.get()).wrong
    ALTERATIONS[alteration]()
    with pytest.raises(Tampered, match="账册与分录不符"):
        verify()


def test_a_head_noted_earlier_shows_that_the_whole_chain_was_written_anew(used: Books) -> None:
    noted = Fund.objects.get().head
    used.give(1, DUES)
    assert "全部一致" in verify("--fund", "WH2026", "--head", noted)
    with pytest.raises(Tampered):
        verify("--fund", "WH2026", "--head", "f" * 64)
    with pytest.raises(CommandError, match="没有编号"):
        verify("--fund", "X")
    with pytest.raises(CommandError, match="--fund"):
        verify("--head", noted)
