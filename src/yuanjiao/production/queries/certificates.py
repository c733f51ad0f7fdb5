"""Certificates: looked up by number, listed by who issued them."""

from __future__ import annotations

from hmac import compare_digest

from django.db.models import QuerySet

from yuanjiao.people.queries import within
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.production.models import Certificate
from yuanjiao.production.rules.numbers import CODE_LENGTH, read_code, read_number


def verified_certificate(number: str, code: str) -> Certificate | None:
    """The certificate of a number and its code as people type them; None when they do not belong together. Revoked ones are found too."""
    known = read_number(number)
    row = Certificate.objects.filter(number=known).select_related("unit").first() if known else None
    held = row.code if row else "-" * CODE_LENGTH
    return row if compare_digest(held.encode(), read_code(code).encode()) else None


def certificates_issued(by: Actor) -> QuerySet[Certificate]:
    rows = Certificate.objects.filter(within("unit__division__path", by.paths(Permission.MANAGE_COLUMNS)))
    return rows.select_related("unit").order_by("-year", "-running")
