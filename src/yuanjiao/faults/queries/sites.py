"""Finding a site as a caller names it, and what is known of it at that moment (OPS04)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from yuanjiao.faults.models import WorkOrder
from yuanjiao.faults.queries.orders import open_order_for
from yuanjiao.lib import clock
from yuanjiao.lib.seal import digest, phone_digits
from yuanjiao.network.models import Site
from yuanjiao.network.queries import OutageView, Play, StateNow, last_play_test, open_outage_of, sites_in, sites_named, state_now
from yuanjiao.network.rules import full_pinyin, initials_of_pinyin
from yuanjiao.people.queries import Responsible, people_by_phone, responsible_for, tenures_on, within
from yuanjiao.places.queries import full_name

SHOWN = 12
SYLLABLES_FROM = 4
"""Fewer letters are initials."""
LOOKED_AT = 300
PHONE_DIGITS = 7
"""A telephone number has at least seven digits; fewer are looked for in names and codes only."""


def find_sites(text: str, paths: Iterable[str]) -> QuerySet[Site]:
    """Sites under the paths that a caller may mean: by telephone (site's or person's), name part, pinyin initials or code."""
    words = text.split()
    rows = sites_in(paths)
    if not words:
        return rows.none()
    number = phone_digits(text)
    by_phone = _by_phone(number) if len(number) >= PHONE_DIGITS else Q(pk__in=[])
    by_words = Q()
    for word in words:
        keys = sites_named(word)
        by_words &= (_by_fields(word) if keys is None else Q(pk__in=keys)) | _by_syllables(word, rows)
    return rows.filter(by_phone | by_words)


def _by_fields(word: str) -> Q:
    return Q(name__icontains=word) | Q(division__name__icontains=word) | Q(code__icontains=word) | _by_initials(word)


def _by_initials(word: str) -> Q:
    letters = word.lower()
    return Q(pinyin__contains=letters) if letters.isascii() and letters.isalpha() else Q(pk__in=[])


def _by_syllables(word: str, rows: QuerySet[Site]) -> Q:
    """A name typed in whole syllables (licun): those with these initials are looked at one by one, as far as a clerk would."""
    letters = word.lower()
    if len(letters) < SYLLABLES_FROM or not (letters.isascii() and letters.isalpha()):
        return Q(pk__in=[])
    found: set[int] = set()
    for initials in initials_of_pinyin(letters):
        same = rows.filter(pinyin__contains=initials).values_list("pk", "name")[:LOOKED_AT]
        found |= {pk for pk, name in same if letters in full_pinyin(name)}
    return Q(pk__in=found)


def _by_phone(number: str) -> Q:
    owners = people_by_phone(number)
    own = Q(phone_digest=digest(number, settings.SECRET_KEY))
    manages = Q(pk__in=[])
    for duty in tenures_on(clock.today()).filter(person__in=owners):
        manages |= Q(code=duty.object_code) if duty.object_code else Q(division__path=duty.division.path)
    return own | manages


@dataclass(frozen=True)
class SiteCard:
    """What a clerk sees of one site while the caller waits."""

    site: Site
    address: str
    state: StateNow
    outage: OutageView | None
    order: WorkOrder | None
    responsible: list[Responsible]
    last_test: Play | None

    @property
    def is_known(self) -> bool:
        """Whether the trouble is known already: the duplicate is suggested."""
        return self.order is not None


def site_card(site: Site, *, at: datetime, people: bool = True) -> SiteCard:
    """State now, the outage that explains it, the order that deals with it, who answers for the place."""
    outage = open_outage_of(site)
    return SiteCard(
        site=site,
        address=full_name(site.division),
        state=state_now([site.pk], at=at)[site.pk],
        outage=outage,
        order=open_order_for(site, outage),
        responsible=responsible_for(site.division, on=clock.local_day(at), object_code=site.code) if people else [],
        last_test=last_play_test(site),
    )


def site_in(paths: Iterable[str], code: str) -> Site | None:
    """The site of that code, if it lies under one of the paths."""
    return sites_in(paths).filter(within("division__path", list(paths)), code=code).first()
