"""Writes about messages that leave the house: addresses, the queue, and sending through Apprise (decision 0108).

Only what a person approved goes out, and a digest of numbers where somebody switched it on. Who moves `due_at` first sends; a worker
killed between sending and writing it down leaves a message that may go twice, never one that is lost.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from yuanjiao.faults.models import Message, MessageChannel, MessageState, Urging
from yuanjiao.faults.queries.messages import digest_counts, due_now, untrue_by_now
from yuanjiao.faults.rules.messages import ANSWER_LENGTH, KINDS, MAIL_PORTS, digest_words, pause_after, plain_address, refusal_in
from yuanjiao.faults.rules.urging import RUNG_NAMES, Rung
from yuanjiao.items.rules import ItemKind
from yuanjiao.lib.clock import local_day
from yuanjiao.lib.errors import Conflict, Refused
from yuanjiao.lib.inward import leads_inward
from yuanjiao.lib.seal import seal, unseal
from yuanjiao.people.commands import write_audit
from yuanjiao.people.rules import Actor, Permission
from yuanjiao.places.models import OrgUnit

if TYPE_CHECKING:
    from types import ModuleType

LEASE = timedelta(minutes=10)
NO_ANSWER = "没有送到，对方没有答复"
SHEET_UNTRUE = "没有再送：这件事已经提交、办结、重新交办或改了时限，这张催办单不再适用"
DIGEST_PAST = "没有再送：这是以前日子的摘要"


def open_channel(
    *, name: str, unit: OrgUnit, address: str, sheets: bool = False, digest: bool = False, by: Actor, at: datetime
) -> MessageChannel:
    """Keep an address of a unit, sealed. It is off until `switch_channel`.

    Refused for one that is not of `rules.messages.KINDS`, and for a mailbox of a server that `no_mail_server` tells of.
    """
    by.require(Permission.IMPORT_REGISTER, unit.division.path)
    if not name.strip() or not (sheets or digest):
        raise Refused("请写名称，并选送什么")
    kind, url = _read_address(plain_address(address))  # before the transaction: it may wait for the answer of a name server
    key = settings.SECRET_KEY
    try:
        with transaction.atomic():
            row = MessageChannel.objects.create(
                name=name.strip()[:50],
                unit=unit,
                kind=kind,
                address_sealed=seal(url, key),
                ending=_ending(url),
                sheets=sheets,
                digest=digest,
            )
            write_audit(by=by, action="登记消息通道", subject=f"{unit.name} {row.name}", at=at, detail=KINDS[kind])
    except IntegrityError:
        raise Conflict("已经有这个名称的通道") from None
    return row


def _read_address(address: str) -> tuple[str, str]:
    """The kind of an address, and the address as Apprise writes it."""
    from apprise import Apprise  # a start does without: only who keeps an address or sends loads it

    robot = Apprise.instantiate(address, suppress_exceptions=True) if "://" in address else None
    schemes = _schemes(robot) if robot else []
    kind = next((scheme for scheme in schemes if scheme in KINDS), "")
    if robot is None or not kind:
        raise Refused("不认识的地址：请填企业微信、钉钉、飞书群机器人的地址，或 mailtos:// 开头的邮箱地址")
    why_not = no_mail_server(robot)
    if why_not:
        raise Refused(why_not)
    return kind, address if kind.startswith("mailto") else str(robot.url())  # type: ignore[no-untyped-call]


def no_mail_server(robot: Any) -> str:
    """Why letters are not carried to the server of this mailbox, "" when they are, or when it is a robot.

    Who keeps an address could have this machine ask any port of itself and of its cable, and read in the answer what listens there. A
    server in the private network of the house is a usual one. Asked anew before each letter: a name may lead elsewhere by then.
    """
    host = getattr(robot, "smtp_host", None)
    if host is None:
        return ""
    if robot.port not in MAIL_PORTS:
        return f"邮件服务器的端口只能是 {'、'.join(map(str, sorted(MAIL_PORTS)))}"
    if robot.use_wkd or robot.pgp_key or robot.pgp_privkey:  # the first asks other servers, the others read files
        return "邮箱地址里不能写 PGP、WKD 的设置"
    try:
        inward = leads_inward(host, robot.port)
    except (OSError, ValueError):
        return "找不到这个邮件服务器"
    return "邮件服务器的地址指向本机或本段网线，不去" if inward else ""


def _schemes(robot: Any) -> list[str]:
    found: list[str] = []
    for told in (robot.secure_protocol, robot.protocol):
        found += [told] if isinstance(told, str) else list(told or ())
    return found


def _ending(url: str) -> str:
    """So much of an address as tells it from another: of a robot's key the end, of a mailbox nothing."""
    return "" if url.startswith("mailto") else url.split("?")[0].rstrip("/")[-4:]


@transaction.atomic
def switch_channel(*, channel: MessageChannel, active: bool, by: Actor, at: datetime) -> MessageChannel:
    """Switch an address on or off. What waits while it is off waits; switched on again, what is still so goes out."""
    by.require(Permission.IMPORT_REGISTER, channel.unit.division.path)
    if not MessageChannel.objects.filter(pk=channel.pk, active=not active).update(active=active):
        raise Conflict("这个通道刚刚有人改过")
    write_audit(by=by, action="启用消息通道" if active else "停用消息通道", subject=f"{channel.unit.name} {channel.name}", at=at)
    channel.active = active
    return channel


def queue_sheet(urging: Urging, at: datetime) -> int:
    """Put an approved sheet into the queue of the addressee's unit; returns on how many channels. Nothing for one not approved."""
    if not urging.approved:
        return 0
    made = 0
    for channel in MessageChannel.objects.filter(active=True, sheets=True, unit=urging.person.unit_id):
        said = {"title": "催办单", "words": _sheet_words(urging), "queued_at": at, "due_at": at}
        made += Message.objects.get_or_create(channel=channel, urging=urging, defaults=said)[1]
    return made


def _sheet_words(urging: Urging) -> str:
    """The sheet as it is printed. Of a request only its code: what somebody asked for does not leave the house."""
    words, item = urging.words, urging.item
    if item.kind == ItemKind.REQUEST:
        words = words.replace(f"“{item.title}”", "一件诉求", 1)
    rank = "值班人" if urging.on_duty else RUNG_NAMES[Rung(urging.rung)]
    return f"{urging.person.unit.name} {urging.person.name}（{rank}）：{words}"[:600]


def queue_digests(at: datetime) -> int:
    """Put the numbers of the day into the queue of every channel that takes them, once a day."""
    made, day = 0, local_day(at)
    for channel in MessageChannel.objects.filter(active=True, digest=True).exclude(messages__on=day).select_related("unit__division"):
        place = channel.unit.division
        said = {"title": "每日摘要", "words": digest_words(place.name, digest_counts([place.path], at)), "queued_at": at, "due_at": at}
        made += Message.objects.get_or_create(channel=channel, on=day, defaults=said)[1]
    return made


def send_messages(*, at: datetime) -> int:
    """Try what is due; returns how many went out. What failed waits longer each time; at the end a person decides.

    What waited so long that it is no longer so is dropped: it would be read as new.
    """
    _drop_untrue(at)
    sent = 0
    for row in due_now(at):
        mine = Message.objects.filter(pk=row.pk, state=MessageState.WAITING, due_at=row.due_at)
        if mine.update(due_at=at + LEASE, tries=row.tries + 1, tried_at=at):
            answer = _deliver(unseal(bytes(row.channel.address_sealed), settings.SECRET_KEY), row)
            _keep(row, answer, at)
            sent += not answer
    return sent


def _drop_untrue(at: datetime) -> None:
    for keys, why in zip(untrue_by_now(at), (SHEET_UNTRUE, DIGEST_PAST), strict=True):
        for start in range(0, len(keys), 500):  # SQLite takes so many parameters at once
            rows = Message.objects.filter(pk__in=keys[start : start + 500], state=MessageState.WAITING, due_at__lte=at)
            rows.update(state=MessageState.DROPPED, due_at=None, answer=why)


def _keep(row: Message, answer: str, at: datetime) -> None:
    pause = pause_after(row.tries + 1)
    told: dict[str, object] = {"state": MessageState.SENT, "due_at": None, "answer": ""}
    if answer:
        told = {"answer": answer[:ANSWER_LENGTH]}
        told["due_at"] = at + pause if pause else None
        told["state"] = MessageState.WAITING if pause else MessageState.FAILED
    Message.objects.filter(pk=row.pk, state=MessageState.WAITING).update(**told)


@transaction.atomic
def try_message_again(*, message: Message, by: Actor, at: datetime) -> None:
    """A person lets a failed message go once more, with all its tries."""
    by.require(Permission.IMPORT_REGISTER, message.channel.unit.division.path)
    rows = Message.objects.filter(pk=message.pk, state=MessageState.FAILED)
    if not rows.update(state=MessageState.WAITING, due_at=at, tries=0):
        raise Conflict("这条消息刚刚有人处理过")
    write_audit(by=by, action="重新送出消息", subject=str(message), at=at)


@transaction.atomic
def drop_message(*, message: Message, by: Actor, at: datetime) -> None:
    """A person gives a message up: it waits no more, and no more counts as failed."""
    by.require(Permission.IMPORT_REGISTER, message.channel.unit.division.path)
    rows = Message.objects.filter(pk=message.pk, state__in=[MessageState.FAILED, MessageState.WAITING])
    if not rows.update(state=MessageState.DROPPED, due_at=None):
        raise Conflict("这条消息刚刚有人处理过")
    write_audit(by=by, action="不再送出消息", subject=str(message), at=at)


def _deliver(address: str, row: Message) -> str:
    """Send one message; "" when it was taken, else why not."""
    from apprise import Apprise

    robot = Apprise.instantiate(address, suppress_exceptions=True)
    if robot is None:
        return "地址无法使用，请重新登记通道"
    why_not = no_mail_server(robot)
    if why_not:
        return why_not
    _listen(robot)
    said = _Said()
    log = logging.getLogger("apprise")
    token = ANSWERS.set(said)
    log.addHandler(said)
    try:
        taken = robot.notify(title=row.title, body=row.words)
    finally:
        log.removeHandler(said)
        ANSWERS.reset(token)
    refused = next((words for body in said.bodies for words in [refusal_in(body)] if words), "")
    if taken and not refused:
        return ""
    return refused or (said.warnings[-1] if said.warnings else NO_ANSWER)


class _Said(logging.Handler):
    """What was said while one message was sent: bodies of the answers, and Apprise's own warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.bodies: list[bytes] = []
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings.append(record.getMessage()[:ANSWER_LENGTH])


ANSWERS: ContextVar[_Said | None] = ContextVar("ANSWERS", default=None)


class _Listening:
    """`requests` as a robot's module calls it, with an ear on the answers.

    Robots refuse with status 200 and the reason in the body; Apprise looks at the status alone, so that what a group never got would
    stand here as sent.
    """

    def __init__(self, library: ModuleType) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        answer, said = self._library.post(*args, **kwargs), ANSWERS.get()
        if said is not None:
            with suppress(AttributeError):
                said.bodies.append(answer.content[:4096])
        return answer


def _listen(robot: Any) -> None:
    import sys

    module = sys.modules[type(robot).__module__]
    library = getattr(module, "requests", None)
    if library is not None and not isinstance(library, _Listening):
        module.requests = _Listening(library)  # type: ignore[attr-defined]
