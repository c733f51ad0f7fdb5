"""Official channels: registered, ended, published on, and what came of it (DLV15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from yuanjiao.courseware.queries import item_detail
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.seal import seal
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit
from yuanjiao.programmes.models import Outlet, Publication, PublicationState
from yuanjiao.programmes.rules.outlets import Connector, against_address

S = PublicationState


@transaction.atomic
def register_outlet(
    *, name: str, unit: OrgUnit, registration: str, connector: Connector, by: Actor, at: datetime, address: str = "", secret: str = ""
) -> Outlet:
    """Register an official channel of a unit inside the subtree. Address and secret are sealed and never shown again.

    Refused without what makes it official, or when its interface cannot be reached safely.
    """
    by.require(Permission.MANAGE_COLUMNS, unit.division.path)
    if not name.strip() or not registration.strip():
        raise Refused("请写明媒体名称，以及备案号或批准依据：只向官方媒体发布")
    if connector == Connector.BY_HAND:
        address = secret = ""
    else:
        problem = against_address(connector, address.strip())
        if problem:
            raise Refused(problem)
        if connector in {Connector.WEBHOOK, Connector.SMS} and len(secret.strip()) < 16:
            raise Refused("请与对方约定至少 16 位的签名密钥，对方凭它确认是我们发的")
    try:
        with transaction.atomic():
            row = Outlet.objects.create(
                name=name.strip(), unit=unit, registration=registration.strip(), connector=connector,
                host=urlsplit(address.strip()).hostname or "", address_sealed=seal(address.strip(), settings.SECRET_KEY),
                secret_sealed=seal(secret.strip(), settings.SECRET_KEY),
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("这个单位已经登记过同名的媒体") from None
    write_audit(by=by, action="登记官方媒体", subject=f"媒体 {row.name}", at=at, detail=f"{row.registration} {row.host}")
    return row


@transaction.atomic
def end_outlet(*, outlet: Outlet, by: Actor, at: datetime) -> None:
    """Nothing more is published there; what waited is given up, results stay."""
    by.require(Permission.MANAGE_COLUMNS, outlet.unit.division.path)
    if not Outlet.objects.filter(pk=outlet.pk, ended_on=None).update(ended_on=local_day(at)):
        raise Conflict("这个媒体已经停用")
    outlet.publications.filter(state__in=[S.WAITING, S.BY_HAND]).update(state=S.FAILED, due_at=None, answer="媒体已停用")
    write_audit(by=by, action="停用官方媒体", subject=f"媒体 {outlet.name}", at=at)


@transaction.atomic
def publish_on(
    *, item: UUID, outlets: Sequence[Outlet], by: Actor, at: datetime, address: str, picture: str = "", lead: str = ""
) -> list[Publication]:
    """Publish a released item on channels: all of them or none. Machines are told by `send_publications`, by hand it waits for a person.

    `address` and `picture` are where the public opens them. Conflict when it stands on one of the channels already.
    """
    if not outlets:
        raise Refused("请至少选择一个媒体")
    found = item_detail(item, on=local_day(at))
    for outlet in outlets:
        by.require(Permission.MANAGE_COLUMNS, outlet.unit.division.path)
        if outlet.ended_on is not None:
            raise Refused(f"“{outlet.name}”已经停用")
        if outlet.connector == Connector.SMS:
            raise Refused(f"“{outlet.name}”是短信网关，只发快讯")
    rows = []
    for outlet in outlets:
        by_hand = outlet.connector == Connector.BY_HAND
        try:
            with transaction.atomic():
                rows.append(Publication.objects.create(
                    outlet=outlet, item_uid=item, title=found.title, summary=(lead.strip() or found.summary)[:500], address=address,
                    picture=picture, state=S.BY_HAND if by_hand else S.WAITING, due_at=None if by_hand else at,
                    asked_by=by.name, asked_at=at,
                ))  # fmt: skip
        except IntegrityError:
            raise Conflict(f"“{found.title}”已经在“{outlet.name}”发布或正在发布") from None
    names = "、".join(outlet.name for outlet in outlets)
    write_audit(by=by, action="发布到官方媒体", subject=f"课件 {found.title}", at=at, detail=names)
    return rows


@transaction.atomic
def note_publication(*, publication: Publication, link: str, words: str, by: Actor, at: datetime) -> None:
    """Say that a person has published it there: where it stands now, or the issue and page of a newspaper."""
    by.require(Permission.MANAGE_COLUMNS, publication.outlet.unit.division.path)
    if not link.strip() and not words.strip():
        raise Refused("请填写在该媒体的网址，或刊登的日期和版面")
    if link.strip() and not link.strip().startswith(("https://", "http://")):
        raise Refused("网址以 http:// 或 https:// 开头")
    wanted = {S.BY_HAND, S.FAILED}
    said = {"state": S.PUBLISHED, "done_at": at, "link": link.strip()[:300], "answer": words.strip()[:300], "due_at": None}
    _change(publication, wanted, said, "这次发布已经有结果")
    write_audit(
        by=by, action="登记媒体发布结果", subject=f"课件 {publication.title}", at=at, detail=f"{publication.outlet.name} {link} {words}"
    )


@transaction.atomic
def send_again(*, publication: Publication, by: Actor, at: datetime) -> None:
    """Try one that failed once more, now."""
    by.require(Permission.MANAGE_COLUMNS, publication.outlet.unit.division.path)
    if publication.outlet.ended_on is not None or publication.outlet.connector == Connector.BY_HAND:
        raise Refused("这个媒体不能自动发送")
    item_detail(publication.item_uid, on=local_day(at))  # what was withdrawn meanwhile is not sent
    said = {"state": S.WAITING, "due_at": at, "tries": 0, "answer": ""}
    _change(publication, {S.FAILED}, said, "只有没有成功的才重新发送")
    write_audit(by=by, action="重新发送", subject=f"课件 {publication.title}", at=at, detail=publication.outlet.name)


@transaction.atomic
def note_removal(*, publication: Publication, by: Actor, at: datetime) -> None:
    """Say that the channel has taken it down."""
    by.require(Permission.MANAGE_COLUMNS, publication.outlet.unit.division.path)
    _change(publication, {S.PUBLISHED}, {"state": S.REMOVED}, "只有已发布的才登记撤下")
    write_audit(by=by, action="登记媒体撤下", subject=f"课件 {publication.title}", at=at, detail=publication.outlet.name)


def _change(row: Publication, states: set[PublicationState], said: dict[str, object], otherwise: str) -> None:
    try:
        with transaction.atomic():
            changed = Publication.objects.filter(pk=row.pk, state__in=states).update(**said)
    except IntegrityError:
        raise Conflict("这件课件已经在该媒体另有一次发布") from None
    if not changed:
        raise Conflict(otherwise)
