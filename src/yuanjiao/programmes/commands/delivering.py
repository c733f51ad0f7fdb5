"""Handing a bulletin over, number by number. Killed in the middle it goes on, and nobody gets it twice (DLV06).

Before each call its row says TRYING, in a transaction of its own; behind it the row says what came of it. A row still TRYING when its
lease is over was interrupted: nobody knows whether it came through, so it is told as unsure and not repeated. Attempts are numbered for
good: an answer is written down for the attempt it answers, whoever else stopped the row or has it by then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F

from yuanjiao.courseware.queries import released_uids
from yuanjiao.lib.errors import NotFound, Tampered
from yuanjiao.lib.seal import unseal
from yuanjiao.people.queries import person_by_uid, reachable
from yuanjiao.programmes.commands.sending import LARGEST_ANSWER, TIMEOUT_S
from yuanjiao.programmes.models import BulletinChannel, BulletinDelivery, DeliveryState, OptOut
from yuanjiao.programmes.queries import has_opted_out, made_here
from yuanjiao.programmes.rules.bulletin import parts, short_message, signed
from yuanjiao.programmes.rules.gateway import DOUBTS, PAUSES_S, Came, Outcome, outcome, to_group, to_number
from yuanjiao.programmes.rules.outlets import Message

if TYPE_CHECKING:
    import httpx

D = DeliveryState
AT_ONCE = 100
"""Numbers of one channel in one turn."""
LEASE = timedelta(minutes=30)
"""Longer than a call takes: whoever is still TRYING then is not being tried any more."""
BROKEN = "通道出错，停止发送"
LOST = "发送时中断，可能已经发出；请先向网关核对"
STATES = {Came.HANDED: D.HANDED, Came.REFUSED: D.REFUSED, Came.UNSURE: D.UNSURE}


def send_bulletins(*, at: datetime, now: Callable[[], datetime] | None = None, transport: httpx.BaseTransport | None = None) -> int:
    """One turn on each channel that is due; returns how many were handed over.

    `now` tells the time while the turn goes on (`at` when not given): three slow channels take longer than a pause. `transport` is a fake
    line in tests. The worker hears of a channel that breaks; it rests, and at the next call the others have their turn.
    """
    if not made_here():
        return 0
    lost = BulletinDelivery.objects.filter(state=D.TRYING, leased_until__lte=at)
    if lost.exists():  # asked every few seconds: an update that finds nothing would still wait for whoever writes
        lost.update(state=D.UNSURE, answer=LOST, leased_until=None, done_at=at)
    waiting = BulletinDelivery.objects.filter(state=D.WAITING).values("channel")
    due = list(BulletinChannel.objects.filter(pk__in=waiting, due_at__lte=at).order_by("pk"))
    done, tell = 0, now or (lambda: at)
    if not due:
        return 0
    import httpx  # as in `sending`

    with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False, transport=transport) as line:
        for channel in due:
            whole = False
            try:
                done += _turn(line, channel, tell)
                whole = True
            finally:
                if not whole:
                    _doubt(channel, BROKEN, tell())
    return done


def _turn(line: httpx.Client, channel: BulletinChannel, now: Callable[[], datetime]) -> int:
    done = 0
    for row in list(channel.deliveries.filter(state=D.WAITING).order_by("tries", "pk")[:AT_ONCE]):
        channel.refresh_from_db()  # with its outlet: what was so before the last call need not be so now
        against = _against(channel)
        if against:
            _give_up(channel, against, now())
        if against or channel.due_at > now():
            break
        asked = _words_to(row, channel, now())
        if asked is None or not _claim(row, now()):
            continue
        came = _ask(line, asked, channel.outlet.connector)
        done += came.came is Came.HANDED
        if not _keep(channel, row, came, now()):
            break
    return done


def _claim(row: BulletinDelivery, at: datetime) -> bool:
    """Whether the row's next attempt is ours: not when it was stopped meanwhile, or another worker has or had it."""
    mine = BulletinDelivery.objects.filter(pk=row.pk, state=D.WAITING, attempt=row.attempt)
    row.attempt, row.tries = row.attempt + 1, row.tries + 1
    return bool(mine.update(state=D.TRYING, attempt=row.attempt, tries=F("tries") + 1, leased_until=at + LEASE))


def _against(channel: BulletinChannel) -> str:
    """Why nothing more of this goes out; empty when it may."""
    if channel.outlet.ended_on is not None:
        return "通道已停用"
    if channel.is_stopped:
        return "人工停止发送"
    named = list(channel.edition.items.values_list("item_uid", flat=True))
    return "课件已经撤下，停止发送" if released_uids(named) != set(named) else ""


def _give_up(channel: BulletinChannel, words: str, at: datetime) -> None:
    channel.deliveries.filter(state=D.WAITING).update(state=D.NOT_SENT, answer=words[:120], done_at=at)


def _words_to(row: BulletinDelivery, channel: BulletinChannel, at: datetime) -> Message | None:
    """The POST for a row that still waits; None when it is not to be sent after all, which is written down."""
    series, outlet, stamp_s = channel.edition.series, channel.outlet, int(at.timestamp())
    address, secret = (unseal(bytes(one), settings.SECRET_KEY) for one in (outlet.address_sealed, outlet.secret_sealed))
    if row.person_uid is None:
        return to_group(outlet.connector, address, secret, signed(series.sender, channel.edition.text), stamp_s)
    if has_opted_out(row.person_uid):
        _forget(row)
        return None
    mobile = _number_now(row)
    if not mobile:
        mine = BulletinDelivery.objects.filter(pk=row.pk, state=D.WAITING, attempt=row.attempt)
        mine.update(state=D.NOT_SENT, answer="号码在发送前改动、删除或读不出", done_at=at)
        return None
    text = short_message(series.sender, channel.edition.text)
    return to_number(address, secret, str(row.uid), mobile, text, parts(text), stamp_s)


@transaction.atomic
def _forget(row: BulletinDelivery) -> None:
    """Who opted out before their turn came, or at the gateway, is a number only."""
    mine = BulletinDelivery.objects.filter(pk=row.pk, state__in=[D.WAITING, D.TRYING, D.UNSURE], attempt=row.attempt)
    if mine.delete()[0]:
        BulletinChannel.objects.filter(pk=row.channel_id).update(opted_out=F("opted_out") + 1)


def _number_now(row: BulletinDelivery) -> str:
    try:
        found = reachable(person_by_uid(row.person_uid)) if row.person_uid else None
    except (NotFound, Tampered):  # one number that cannot be read must not hold up those behind it
        return ""
    return found.mobile if found and found.digest == row.number_digest else ""


def _ask(line: httpx.Client, asked: Message, connector: str) -> Outcome:
    import httpx

    try:
        with line.stream("POST", asked.address, content=asked.body, headers=asked.headers) as response:
            body = b""
            for part in response.iter_bytes(8192):
                body += part
                if len(body) > LARGEST_ANSWER:
                    break
            return outcome(connector, response.status_code, body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        return Outcome(Came.AGAIN, "连不上")
    except (httpx.HTTPError, httpx.InvalidURL):
        return Outcome(Came.UNSURE, "发出后没有收到答复，可能已经发出", answered=False)


def _keep(channel: BulletinChannel, row: BulletinDelivery, came: Outcome, at: datetime) -> bool:
    """Write down what came of it; False when the channel is to rest."""
    _note(channel, row, came, at)
    if came.came not in {Came.AGAIN, Came.UNSURE}:
        if channel.failures:
            BulletinChannel.objects.filter(pk=channel.pk).update(failures=0)
        return True
    rests = came.came is Came.AGAIN or not came.answered or channel.failures + 1 >= DOUBTS
    _doubt(channel, came.words, at, rests=rests)
    return not rests


def _note(channel: BulletinChannel, row: BulletinDelivery, came: Outcome, at: datetime) -> None:
    again = came.came is Came.AGAIN and row.tries <= len(PAUSES_S)
    state, words = D.WAITING if again else STATES.get(came.came, D.NOT_SENT), came.words
    if came.came is Came.REFUSED and row.person_uid is not None:  # a gateway's words may say "opted out": no row keeps them
        BulletinChannel.objects.filter(pk=channel.pk).update(refusal=words)
        words = ""
    if came.came is Came.OPTED_OUT and row.person_uid is not None:
        OptOut.objects.get_or_create(person_uid=row.person_uid)
        _forget(row)
    else:
        _set(row, {"state": state, "answer": words, "done_at": None if again else at})


def _doubt(channel: BulletinChannel, words: str, at: datetime, *, rests: bool = True) -> None:
    """One failure more in a row. The channel pauses, each time longer; then what waits is given up."""
    channel.failures += 1
    if rests and channel.failures > len(PAUSES_S):
        _give_up(channel, words, at)
    elif rests:
        channel.due_at = at + timedelta(seconds=PAUSES_S[channel.failures - 1])
    channel.save(update_fields=["failures", "due_at"])


def _set(row: BulletinDelivery, said: dict[str, object]) -> None:
    """An answer that comes after the lease is still the answer, of its own attempt."""
    mine = BulletinDelivery.objects.filter(pk=row.pk, attempt=row.attempt, state__in=[D.TRYING, D.UNSURE])
    mine.update(**{"leased_until": None, **said})
