"""Writing what sites are (类型、接入方式、项目) and what they were: whoever changes that keeps the former in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.network.commands.versions import register_changed
from yuanjiao.network.models import AccessMode, FormerLabels, Site, SiteKind
from yuanjiao.network.rules.labels import LABELS, Said, relabelled
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission

BATCH = 500
Story = list[tuple[date, Said]]


def said_of(row: Site | FormerLabels) -> Said:
    """What the row says of a site."""
    return tuple(str(getattr(row, name)) for name in LABELS)


def keep_former(before: Mapping[int, Said], rows: Iterable[Site], *, on: date) -> bool:
    """The sites are from `on` what their rows say; last they were what `before` has by key. Whether that made any story another."""
    now = {row.pk: said_of(row) for row in rows}
    keys, changed = sorted(now), 0
    for start in range(0, len(keys), BATCH):
        part = keys[start : start + BATCH]
        held = _stories(part)
        turned = {key: relabelled(held[key], before=before[key], now=now[key], on=on) for key in part}
        changed += _write(held, turned)
    if keys:
        register_changed(keys)
    return changed > 0


def _stories(keys: Sequence[int]) -> dict[int, Story]:
    found: dict[int, Story] = {key: [] for key in keys}
    for row in FormerLabels.objects.filter(site__in=keys).order_by("site_id", "until"):
        found[row.site_id].append((row.until, said_of(row)))
    return found


def _write(held: Mapping[int, Story], turned: Mapping[int, Story]) -> int:
    """Write only what differs: rows are never changed, they come and go. Gives how many did."""
    gone = [(key, until) for key, story in held.items() for until, said in story if (until, said) not in turned[key]]
    fresh = [(key, *one) for key, story in turned.items() for one in story if one not in held[key]]
    days = {until for _, until in gone}
    if gone:
        rows = FormerLabels.objects.filter(site__in={key for key, _ in gone}, until__in=days).values_list("pk", "site_id", "until")
        wanted = set(gone)
        FormerLabels.objects.filter(pk__in=[pk for pk, key, until in rows if (key, until) in wanted]).delete()
    new = [FormerLabels(site_id=key, until=until, **dict(zip(LABELS, said, strict=True))) for key, until, said in fresh]
    FormerLabels.objects.bulk_create(new, batch_size=BATCH)
    return len(gone) + len(fresh)


@transaction.atomic
def relabel_site(*, site: Site, site_kind: str, access_mode: str, programmes: str, by: Actor, on: date, at: datetime) -> None:
    """From `on` the site is of this kind, has this access mode and belongs to these programmes; its earlier days keep what they had.

    A day in the past corrects what was said of the days since.
    """
    by.require(Permission.IMPORT_REGISTER, site.division.path)
    if site_kind not in SiteKind.values or access_mode not in AccessMode.values:
        raise Refused("没有这种站点类型或接入方式")
    if on > local_day(at):
        raise Refused("日期不能晚于今天")
    site = Site.objects.select_for_update().get(pk=site.pk)  # what it is now, and nobody changes it meanwhile
    before, former = said_of(site), _words(site)
    corrected = FormerLabels.objects.filter(site=site, until__gt=on).exists()
    site.site_kind, site.access_mode, site.programmes = site_kind, access_mode, programmes.strip()
    if not keep_former({site.pk: before}, [site], on=on) and said_of(site) == before:
        raise Conflict(f"{site.name} 从那天起已经是这样登记的")
    site.save(update_fields=LABELS)
    detail = f"{on} 起，由{former}改为{_words(site)}{'；那天以后登记过的变更随之更正' if corrected else ''}"
    write_audit(by=by, action="变更站点类型", subject=f"{site.get_kind_display()} {site.code}", at=at, detail=detail)


def _words(site: Site) -> str:
    return "、".join(filter(None, [site.get_site_kind_display(), site.get_access_mode_display(), site.programmes]))
