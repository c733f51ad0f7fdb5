"""Certificates: looked up by number, listed by who issued them."""

from __future__ import annotations

from django.db.models import QuerySet

from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.production.models import Certificate
from yuanjiao.production.rules.numbers import read_number


def certificate_by_number(text: str) -> Certificate | None:
    """The certificate of a number as people type it; None when there is none. Revoked ones are found too."""
    number = read_number(text)
    return Certificate.objects.filter(number=number).select_related("unit").first() if number else None


def certificates_issued(by: Actor) -> QuerySet[Certificate]:
    rows = Certificate.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("unit").order_by("-year", "-running")
