"""What programmes ask of units (GOV30): a notice is confirmed at every place, a week's bulletin is checked by its unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from yuanjiao.lib.asked import Asked, Kind
from yuanjiao.lib.clock import day_start, local_day
from yuanjiao.people.queries import within
from yuanjiao.places.rules import Level
from yuanjiao.programmes.models import BulletinEdition, Notice
from yuanjiao.programmes.models.bulletins import EditionState
from yuanjiao.programmes.queries.scopes import shown_at


def asked(first: date, last: date, path: str) -> Iterator[Asked]:
    """Notices that began and bulletins of weeks that began from the first to the last day."""
    span = {"starts_at__gte": day_start(first), "starts_at__lt": day_start(last + timedelta(days=1))}
    for row in Notice.objects.filter(shown_at("scope", path), **span).select_related("unit"):
        yield Asked(
            Kind.FORM, f"紧急通知确认：{row.title}", local_day(row.starts_at), fields=1, path=row.scope, level=Level.VILLAGE,
            by=row.unit.name, link=("programmes:notice", str(row.uid)),
        )  # fmt: skip
    weeks = BulletinEdition.objects.filter(within("series__unit__division__path", [path]), week_on__gte=first, week_on__lte=last)
    for one in weeks.exclude(state=EditionState.SKIPPED).select_related("series__unit"):
        yield Asked(
            Kind.FORM, f"{one.series.name}核对发送", one.week_on, fields=1, unit=one.series.unit.code,
            link=("programmes:bulletin_edition", str(one.uid)),
        )  # fmt: skip
