"""A maintenance fund of 青禾市 with three sources, and two people who keep it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest

from yuanjiao.funds import commands
from yuanjiao.funds.commands import NewSource
from yuanjiao.funds.models import Entry, Fund, Proposal, Source
from yuanjiao.funds.rules import Category, EntryKind, SourceKind
from yuanjiao.lib.clock import local_day
from yuanjiao.people import commands as people
from yuanjiao.people.rules import Actor, Role
from yuanjiao.simulation.cast import PASSWORD, SINCE, Cast

CITY, COUNTY, OTHER, VILLAGE = "990100000000", "990101000000", "990102000000", "990101100200"
FISCAL, DUES, SPECIAL = "市财政局", "市管党费", "文化建设专项"


@dataclass
class Books:
    """The fund, its people, and the commands with what tests leave the same."""

    cast: Cast
    at: datetime
    fund: Fund

    @property
    def keeper(self) -> Actor:
        return self.cast.actor("shiguan")

    @property
    def second(self) -> Actor:
        return self.cast.actor("fuguan")

    def source(self, name: str = FISCAL) -> Source:
        return Source.objects.get(fund=self.fund, name=name)

    def give(self, fen: int, name: str = FISCAL) -> Entry:
        return commands.enter_contribution(
            source=self.source(name), amount_fen=fen, purpose="年度拨款", document="财〔2026〕1号", by=self.keeper, at=self.at
        )

    def propose(self, fen: int, name: str = FISCAL, **more: Any) -> Proposal:
        said: dict[str, Any] = {
            "kind": EntryKind.PAYMENT, "category": Category.REPAIR, "division": self.cast.divisions[CITY], "purpose": "维修",
            "payee": "市电信公司", "document": "", "by": self.keeper,
        }  # fmt: skip
        return commands.propose_payment(source=self.source(name), amount_fen=fen, at=self.at, **{**said, **more})

    def pay(self, fen: int, name: str = FISCAL, **more: Any) -> Entry:
        return commands.approve_proposal(proposal=self.propose(fen, name, **more), by=self.second, at=self.at)[0]


def second_keeper(cast: Cast) -> None:
    """A second person of the city who may approve what the first proposes."""
    person = people.add_person(name="许文静", unit=cast.units["ZZ-9901"], phone="13800000021")
    cast.people["fuguan"] = person
    cast.accounts["fuguan"] = people.open_account(person=person, username="fuguan", password=PASSWORD)
    people.appoint(person=person, unit=cast.units["ZZ-9901"], role=Role.CITY_ADMIN, on=SINCE)


def city_fund(cast: Cast, at: datetime, code: str = "WH2026") -> Fund:
    sources = [
        NewSource(SourceKind.FISCAL, FISCAL, 7000),
        NewSource(SourceKind.PARTY_DUES, DUES, 3000),
        NewSource(SourceKind.SPECIAL, SPECIAL, 0, [Category.EQUIPMENT, Category.CULTURE]),
    ]
    return commands.open_fund(
        code=code, name="远程教育维护基金", division=cast.divisions[CITY], document="青组〔2026〕3号", sources=sources, on=local_day(at),
        by=cast.actor("shiguan"), at=at,
    )  # fmt: skip


@pytest.fixture
def books(cast: Cast, at: datetime) -> Books:
    second_keeper(cast)
    return Books(cast, at, city_fund(cast, at))


COUNTED = date(2026, 1, 1)
