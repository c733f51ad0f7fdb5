"""Joining a parent: show the one-time code and our key, check that the answer comes from the machine the code names, trust it.

The question and the answer of POST /enrol are JSON; both sides sign what matters, so that the code opens one door once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec

from yuanjiao.flow.nodes import codes, keys
from yuanjiao.flow.nodes.commands import enrol, ensure_self, trust_parent
from yuanjiao.flow.nodes.models import Node
from yuanjiao.flow.nodes.moving import Came
from yuanjiao.flow.nodes.queries import own_node, parent_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.lib.errors import Refused, Tampered

MAX_QUESTION_BYTES = 4096


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a child says: `proof` is its signature over `codes.proof_bytes`."""

    code: str
    uid: UUID
    public_key: bytes
    proof: bytes
    last_seq: int | None = None
    start_seq: int = 0
    start_hash: bytes = bytes(32)
    start_proof: bytes = b""
    """The child's signature over `start_bytes`: only its own word says where its journal begins for a new parent."""


def start_bytes(code: str, uid: UUID, came: Came) -> bytes:
    """What a child signs of its journal. Never change: succeed it with YJN6."""
    last = -1 if came.last_seq is None else came.last_seq
    return b"YJN4" + codes.code_hash(code) + uid.bytes + struct.pack(">qQ", last, came.start_seq) + came.start_hash


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent makes of the child, and who the parent is."""

    child: UUID
    name: str
    subject_code: str
    scope: str
    parent: UUID
    parent_kind: str
    parent_name: str
    parent_key: bytes
    root: bytes
    """The parent's catalogue root (TUF root.json), which the child pins: the first and only trust it takes on our word."""


class SignedWelcome(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a Welcome as it was signed, and the parent's signature over b"YJN2" and these bytes."""

    welcome: bytes
    signature: bytes


def answer_question(body: bytes, *, root: bytes, at: datetime) -> bytes:
    """The parent's side: enrol the asker and answer with a signed welcome. Refused or Forbidden with the reason."""
    try:
        question = msgspec.json.decode(body, type=Question)
    except msgspec.DecodeError:
        raise Refused("登记请求不完整") from None
    came = _came(question)
    child = enrol(code=question.code, uid=question.uid, public_key=question.public_key, proof=question.proof, at=at, came=came)
    own = own_node()
    welcome = msgspec.json.encode(
        Welcome(
            child=child.uid,
            name=child.name,
            subject_code=child.subject_code,
            scope=child.scope,
            parent=own.uid,
            parent_kind=own.kind,
            parent_name=own.name,
            parent_key=bytes(own.public_key),
            root=root,
        )
    )
    return msgspec.json.encode(SignedWelcome(welcome=welcome, signature=keys.sign(b"YJN2" + welcome)))


def _came(question: Question) -> Came:
    """Nothing from a programme of before."""
    if not question.start_proof:
        return Came()
    came = Came(question.last_seq, question.start_seq, question.start_hash)
    ranges = 0 <= came.start_seq < 1 << 62 and (came.last_seq is None or 0 <= came.last_seq < 1 << 62) and len(came.start_hash) == 32
    if not ranges or not keys.verifies(question.public_key, question.start_proof, start_bytes(question.code, question.uid, came)):
        raise Refused("登记请求里关于日志的话不是这个节点说的")
    return came


Sign = Callable[[bytes], bytes]


def join(*, line: Line, code: str, at: datetime, last_seq: int | None = None) -> tuple[Node, bytes]:
    """The child's side: ask the parent at the other end of `line`; returns the parent's node row and its catalogue root to pin.
    `last_seq` is the number of the last entry recorded at the former place.

    Refused with the parent's reason, and when we have another parent (`yuanjiao nodes move` goes there with the same code); Tampered
    when the answer is not from the machine that issued the code; Unavailable when the line is down (ask again: the same code is good
    for the same machine).
    """
    own, former = ensure_self(at=at), parent_node()
    if former is not None and codes.looks_right(code) and not codes.names_key(code, bytes(former.public_key)):
        raise _has_a_parent(former)  # before the code is shown: used, it would not say where our journal begins
    came = Came(last_seq)
    welcome = ask_in(line=line, code=code, uid=own.uid, public_key=bytes(own.public_key), sign=keys.sign, came=came)
    if former is not None and former.uid != welcome.parent:
        raise _has_a_parent(former)
    return believe_welcome(welcome, at=at, last_seq=last_seq), welcome.root


def _has_a_parent(former: Node) -> Refused:
    return Refused(f"本机已有上级 {former.name}：要换上级，请停下本节点的服务，用同一登记码运行 yuanjiao nodes move")


def ask_in(*, line: Line, code: str, uid: UUID, public_key: bytes, sign: Sign, came: Came | None = None) -> Welcome:
    """Ask to be let in as `uid` with this key; nothing is written here yet. Fails as `join` does."""
    if not codes.looks_right(code):
        raise Refused("登记码应为 24 位字母和数字，如 XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")
    question = Question(code=code, uid=uid, public_key=public_key, proof=sign(codes.proof_bytes(code, uid.bytes, public_key)))
    if came is not None:
        question = msgspec.structs.replace(
            question,
            last_seq=came.last_seq,
            start_seq=came.start_seq,
            start_hash=came.start_hash,
            start_proof=sign(start_bytes(code, uid, came)),
        )
    response = line.post(
        "/enrol", msgspec.json.encode(question), headers={"Content-Type": "application/json", "Accept": "application/json"}, signed=False
    )
    if response.status_code != 200:
        raise Refused(_reason(response.content, response.status_code))
    return _believed(response.content, code, uid)


def believe_welcome(welcome: Welcome, *, at: datetime, last_seq: int | None = None) -> Node:
    """Put down who our parent is and what it says we are; returns the parent's row. `last_seq`: our last entry of before."""
    return trust_parent(
        uid=welcome.parent,
        kind=welcome.parent_kind,
        name=welcome.parent_name,
        public_key=welcome.parent_key,
        subject_code=welcome.subject_code,
        scope=welcome.scope,
        own_name=welcome.name,
        at=at,
        last_seq=last_seq,
    )


def _believed(content: bytes, code: str, own_uid: UUID) -> Welcome:
    try:
        signed = msgspec.json.decode(content, type=SignedWelcome)
        welcome = msgspec.json.decode(signed.welcome, type=Welcome)
    except msgspec.DecodeError:
        raise Tampered("上级的登记应答无法读取：地址是否正确？") from None
    if not codes.names_key(code, welcome.parent_key) or not keys.verifies(welcome.parent_key, signed.signature, b"YJN2" + signed.welcome):
        raise Tampered("应答的不是签发登记码的那台机器：线路上可能有人冒充，请核对地址")
    if welcome.child != own_uid:
        raise Tampered("登记应答说的不是本机")
    return welcome


def _reason(content: bytes, status: int) -> str:
    try:
        return str(msgspec.json.decode(content, type=dict[str, str])["message"])
    except (msgspec.DecodeError, KeyError):
        return f"上级不接受登记（{status}）"
