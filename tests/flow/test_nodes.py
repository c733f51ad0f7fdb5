"""Nodes: let in once by a code, known above, revoked for good; the child believes only the machine that issued the code."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from tests.flow.happenings import Happened
from tests.simulator import LossyLine, World
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.flow.journal.event import Fact
from yuanjiao.flow.journal.membership import NodeEnrolled, apply_enrolled
from yuanjiao.flow.journal.models import Head
from yuanjiao.flow.journal.record import record
from yuanjiao.flow.nodes import codes, queries
from yuanjiao.flow.nodes.commands import enrol, ensure_self, issue_code, revoke_node
from yuanjiao.flow.nodes.models import EnrolmentCode, Node
from yuanjiao.flow.nodes.queries import parent_node, read_node, remember_nodes, remembered_node
from yuanjiao.flow.wire.client import Line
from yuanjiao.flow.wire.join import Question, SignedWelcome, Welcome, join
from yuanjiao.lib.errors import Conflict, Forbidden, Refused, Tampered
from yuanjiao.lib.uid import new_uid

pytestmark = pytest.mark.django_db


class Applicant:
    """A machine that wants in."""

    def __init__(self) -> None:
        self.uid, self.key = new_uid(), Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()

    def ask(self, code: str, at: datetime, *, proof: bytes | None = None) -> Node:
        signed = self.key.sign(codes.proof_bytes(code, self.uid.bytes, self.public))
        return enrol(code=code, uid=self.uid, public_key=self.public, proof=signed if proof is None else proof, at=at)


@pytest.fixture
def code(at: datetime) -> str:
    ensure_self(at=at)
    return issue_code(kind="edge", name="柳溪县边缘服务器", subject_code="E-990101", scope="/99/", valid_hours=2, at=at)


def test_a_code_lets_one_node_in_as_what_it_was_issued_for(code: str, at: datetime) -> None:
    node = Applicant().ask(code, at)
    assert (node.kind, node.name, node.subject_code, node.scope) == ("edge", "柳溪县边缘服务器", "E-990101", "/99/")
    with pytest.raises(Forbidden, match="已经用过"):
        Applicant().ask(code, at)


def test_the_code_itself_is_not_kept(code: str) -> None:
    row = EnrolmentCode.objects.get()
    assert codes.tidy(code).encode() not in bytes(row.code_hash)
    assert len(bytes(row.code_hash)) == 32


def test_a_node_whose_answer_was_lost_may_ask_again(code: str, at: datetime) -> None:
    applicant = Applicant()
    assert applicant.ask(code, at) == applicant.ask(code, at + timedelta(days=3))
    assert Node.objects.filter(uid=applicant.uid).count() == 1


def test_codes_are_read_as_people_type_them(code: str, at: datetime) -> None:
    typed = code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert codes.looks_right(typed)
    assert Applicant().ask(typed, at).kind == "edge"


@pytest.mark.parametrize("spoilt", ["", "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF", "X" * 5000])
def test_a_code_nobody_issued_lets_nobody_in(code: str, spoilt: str, at: datetime) -> None:
    with pytest.raises(Forbidden):
        Applicant().ask(spoilt, at)


def test_a_code_expires(code: str, at: datetime) -> None:
    with pytest.raises(Forbidden, match="过期"):
        Applicant().ask(code, at + timedelta(hours=2))


def test_a_key_must_be_proved_and_new(code: str, at: datetime) -> None:
    with pytest.raises(Forbidden, match="密钥"):
        Applicant().ask(code, at, proof=bytes(64))
    applicant = Applicant()
    applicant.ask(code, at)
    applicant.uid = new_uid()
    with pytest.raises(Refused, match="已经登记"):
        applicant.ask(issue_code(kind="edge", name="又一个", at=at), at)


def test_a_node_that_lost_its_database_comes_back_with_a_new_code_made_out_as_before(code: str, at: datetime) -> None:
    applicant = Applicant()
    first = applicant.ask(code, at)
    told = {"kind": "edge", "name": "柳溪县边缘服务器", "subject_code": "E-990101", "scope": "/99/"}
    for changed in ({"scope": "/99/01/"}, {"subject_code": "E-990102"}, {"kind": "site"}):
        with pytest.raises(Refused, match="照原来的"):
            applicant.ask(issue_code(**(told | changed), at=at), at)
    assert applicant.ask(issue_code(**told, at=at), at) == first
    assert Node.objects.filter(uid=applicant.uid).count() == 1
    revoke_node(node=first, reason="丢失", at=at)
    with pytest.raises(Refused):
        applicant.ask(issue_code(**told, at=at), at)


def test_revoking_needs_a_reason_and_happens_once(code: str, at: datetime) -> None:
    node = Applicant().ask(code, at)
    with pytest.raises(Refused, match="原因"):
        revoke_node(node=node, reason=" ", at=at)
    revoke_node(node=node, reason="被盗", at=at)
    with pytest.raises(Conflict):
        revoke_node(node=node, reason="被盗", at=at)
    with pytest.raises(Refused, match="本机"):
        revoke_node(node=Node.objects.get(is_self=True), reason="误操作", at=at)


def test_a_lost_key_file_is_an_alarm_and_not_a_new_identity(code: str, at: datetime, settings: object) -> None:
    settings.HOME = django_settings.HOME / "elsewhere"  # type: ignore[attr-defined]
    with pytest.raises(Tampered, match="密钥"):
        ensure_self(at=at)


def test_the_door_enrols_and_hands_on_the_catalogue_root(code: str) -> None:
    root = public_folder() / "metadata" / "root.json"
    root.parent.mkdir(parents=True)
    root.write_bytes(b'{"the": "root"}')
    EnrolmentCode.objects.update(expires_at="2999-01-01T00:00:00Z")
    applicant = Applicant()
    proof = applicant.key.sign(codes.proof_bytes(code, applicant.uid.bytes, applicant.public))
    question = Question(code=code, uid=applicant.uid, public_key=applicant.public, proof=proof)
    response = Client().post("/enrol", msgspec.json.encode(question), content_type="application/json")
    assert response.status_code == 200
    welcome = msgspec.json.decode(msgspec.json.decode(response.content, type=SignedWelcome).welcome, type=Welcome)
    assert (welcome.child, welcome.subject_code, welcome.root) == (applicant.uid, "E-990101", b'{"the": "root"}')


@pytest.mark.parametrize(("body", "status"), [(b"{}", 400), (b"\xff", 400), (b"x" * 5000, 400)])
def test_the_door_refuses_nonsense_in_words(code: str, body: bytes, status: int) -> None:
    (public_folder() / "metadata").mkdir(parents=True)
    (public_folder() / "metadata" / "root.json").write_bytes(b"{}")
    response = Client().post("/enrol", body, content_type="application/json", headers={"accept": "application/json"})
    assert (response.status_code, "登记" in response.json()["message"]) == (status, True)


def test_before_there_is_a_catalogue_the_door_says_later(code: str) -> None:
    assert Client().post("/enrol", b"{}", content_type="application/json").status_code == 503


def test_a_child_joins_and_knows_its_parent(world: World) -> None:
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre, subject_code="E-990101")
    assert edge.node().subject_code == "E-990101"
    with edge.here():
        parent = parent_node()
    assert parent is not None
    assert parent.uid == centre.node().uid


def test_a_child_does_not_believe_another_machine_at_the_parents_address(world: World) -> None:
    centre, impostor, edge = world.machine("centre", "centre"), world.machine("impostor", "centre"), world.machine("edge", "edge")
    with centre.here():
        code = issue_code(kind="edge", name="edge", at=centre.now)
        row = EnrolmentCode.objects.get()
    with impostor.here():  # it has stolen even the code's hash
        EnrolmentCode.objects.create(
            code_hash=bytes(row.code_hash), kind="edge", name="edge", made_at=row.made_at, expires_at=row.expires_at
        )
    with edge.here(), pytest.raises(Tampered, match="冒充"):
        join(line=Line("http://parent.test", transport=LossyLine(impostor)), code=code, at=edge.now)
    with edge.here():
        assert parent_node() is None


def grandchild(world: World) -> tuple[World, UUID]:
    centre, edge, site = world.machine("centre", "centre"), world.machine("edge", "edge"), world.machine("site", "site")
    edge.join(centre)
    site.join(edge)
    return world, site.node().uid


@pytest.mark.usefixtures("happenings_wired")
def test_a_node_enrolled_below_is_known_above_and_so_is_its_revocation(world: World) -> None:
    _, uid = grandchild(world)
    edge, centre = world.machines["edge"], world.machines["centre"]
    edge.ship()
    with centre.here():
        known = Node.objects.get(uid=uid)
        assert (known.kind, known.enrolled_by) == ("site", Node.objects.get(name="edge"))
    with edge.here():
        revoke_node(node=Node.objects.get(uid=uid), reason="被盗", at=edge.now)
    edge.ship()
    with centre.here():
        known = Node.objects.get(uid=uid)
        assert (known.revoked_reason, known.revoked_after_seq) == ("被盗", 0)


COUNTY = "/990000000000/990100000000/990101000000/"


@pytest.mark.parametrize(
    ("kind", "scope", "given"),
    [
        ("edge", COUNTY, COUNTY),
        ("edge", f"{COUNTY}990101100000/", f"{COUNTY}990101100000/"),
        ("edge", "", COUNTY),
        ("edge", "/", None),
        ("edge", "/990000000000/990100000000/990102000000/", None),
        ("site", COUNTY, None),
        ("site", "", None),
    ],
)
@pytest.mark.django_db
def test_who_lets_a_node_in_gives_it_no_more_than_its_own_scope(at: datetime, kind: str, scope: str, given: str | None) -> None:
    recorder = Node.objects.create(kind=kind, name="录入者", public_key=b"r" * 32, scope=COUNTY, enrolled_at=at)
    told = {"kind": "edge", "name": "新来的", "public_key": b"n" * 32, "subject_code": "", "scope": scope, "enrolled_at": at}
    event, fact = NodeEnrolled(node=new_uid(), **told), Fact(origin=recorder.uid, seq=1, at=at)
    if given is None:
        with pytest.raises(Refused):
            apply_enrolled(event, fact)
        assert not Node.objects.filter(uid=event.node).exists()
    else:
        apply_enrolled(event, fact)
        assert Node.objects.get(uid=event.node).scope == given


@pytest.mark.usefixtures("happenings_wired")
def test_a_revoked_node_learns_at_its_head_why_nobody_listens(world: World) -> None:
    centre, edge = world.machine("centre", "centre"), world.machine("edge", "edge")
    edge.join(centre)
    with centre.here():
        revoke_node(node=Node.objects.get(name="edge"), reason="设备被盗", at=centre.now)
    with edge.here():
        record(Happened(text="在吗"), at=edge.now)
        with pytest.raises(Forbidden):
            edge.shipper.turn(edge.now)
        assert "设备被盗" in Head.objects.get().refusal


def test_the_command_line_issues_lists_and_revokes(at: datetime) -> None:
    out = StringIO()
    call_command("nodes", "issue-code", "--kind", "edge", "--name", "柳溪县边缘服务器", "--subject", "E-990101", stdout=out)
    code = out.getvalue().strip()
    assert codes.looks_right(code)
    node = Applicant().ask(code, EnrolmentCode.objects.get().made_at)
    call_command("nodes", "revoke", str(node.uid), "--reason", "报废", stdout=out)
    call_command("nodes", "list", stdout=out)
    assert "已吊销：报废" in out.getvalue()
    with pytest.raises(CommandError, match="已经吊销"):
        call_command("nodes", "revoke", str(node.uid), "--reason", "报废", stdout=out)


def test_a_row_read_before_a_revocation_is_not_remembered_after_it(code: str, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Applicant().ask(code, at)

    def read_and_then_revoked(uid: UUID) -> Node | None:
        old = Node.objects.get(uid=uid)
        revoke_node(node=node, reason="被盗", at=at)
        queries.forget_node(uid)  # as it is done once more when the transaction is over
        return old

    with monkeypatch.context() as patched:
        patched.setattr(queries, "known_node", read_and_then_revoked)
        read_node(node.uid, now_s=0.0)
    assert remembered_node(node.uid, now_s=1.0) is None
    fresh = read_node(node.uid, now_s=1.0)
    assert fresh is not None
    assert fresh.revoked_at == at


def test_nodes_remembered_all_at_once_are_dropped_again_when_one_is_forgotten_meanwhile(
    code: str, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Applicant().ask(code, at)
    queries.forget_nodes()
    monkeypatch.setattr(Node.objects, "iterator", lambda: (queries.forget_node(one.uid) or one for one in [node]))  # type: ignore[func-returns-value]
    remember_nodes(now_s=0.0)
    assert remembered_node(node.uid, now_s=1.0) is None
