"""The command line: what goes wrong is said on standard error, in words, with a status of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from yuanjiao.courseware.models import ChecklistLine
from yuanjiao.courseware.queries import topics_offered
from yuanjiao.courseware.steps import rounds_needed
from yuanjiao.lib.env import BadSetting, Env
from yuanjiao.wiring.cli import shared_address
from yuanjiao.wiring.founding import found_city


def yuanjiao(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("YUANJIAO_")}
    environment |= {"YUANJIAO_HOME": str(home), **{f"YUANJIAO_{key}": value for key, value in settings.items()}}
    command = [sys.executable, "-m", "yuanjiao.wiring", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_misspelt_setting_stops_the_start_and_is_named(tmp_path: Path) -> None:
    done = yuanjiao(tmp_path, "check", ROEL="edge")
    assert done.returncode == 2
    assert "YUANJIAO_ROEL" in done.stderr


def test_a_centre_is_founded_once_and_the_password_is_told_once(tmp_path: Path) -> None:
    first = yuanjiao(tmp_path, "found", "--code", "990100000000", "--name", "青禾市")
    assert first.returncode == 0, first.stderr
    assert "密码" in first.stdout
    again = yuanjiao(tmp_path, "found", "--code", "990100000000", "--name", "青禾市")
    assert again.returncode == 1
    assert "已经建好" in again.stderr


def test_a_wrong_code_is_refused_in_chinese(tmp_path: Path) -> None:
    done = yuanjiao(tmp_path, "found", "--code", "9901", "--name", "青禾市")
    assert done.returncode == 1
    assert "12 位" in done.stderr


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("on", True), ("0", False), ("", False)])
def test_a_boolean_setting_is_read_as_people_write_it(text: str, expected: bool) -> None:
    assert Env({"YUANJIAO_X": text}).boolean("X", False, "a sentence") is expected


def test_a_setting_of_the_wrong_kind_names_itself() -> None:
    with pytest.raises(BadSetting, match="YUANJIAO_N='many'"):
        Env({"YUANJIAO_N": "many"}).integer("N", 1, "a sentence")


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from a file\n")
    assert Env({"YUANJIAO_S_FILE": str(path)}).text("S", "", "a sentence") == "from a file"


def test_founding_makes_province_city_unit_and_administrator(db: None, at: object) -> None:
    from yuanjiao.people.models import Account
    from yuanjiao.people.queries import actor_of
    from yuanjiao.people.rules import Permission

    founded = found_city(code="990100000000", name="青禾市", province_name="清源省", admin_name="陈", username="a1", at=at)  # type: ignore[arg-type]
    account = Account.objects.get(username=founded.username)
    assert account.check_password(founded.password)
    assert actor_of(account, on=at.date()).covers(Permission.IMPORT_REGISTER, "/990000000000/990100000000/990101000000/")  # type: ignore[attr-defined]


@pytest.mark.clause("CW17", "CW19")
@pytest.mark.parametrize("reviews", [None, 1, 2])
def test_founding_lays_down_how_courseware_is_reviewed(db: None, at: datetime, reviews: int | None) -> None:
    asked = {} if reviews is None else {"reviews": reviews}
    found_city(code="990100000000", name="青禾市", province_name="清源省", admin_name="陈", username="a1", at=at, **asked)
    assert rounds_needed("/990000000000/990100000000/990101000000/") == (reviews or 3)
    assert {topic.taxonomy.code for topic in topics_offered()} == {"subject", "audience", "interaction"}
    assert ChecklistLine.objects.filter(material="", ended=False).count() >= 5


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("serve --port 8001", ""),
        ("serve --port 8001 --shared", "http://127.0.0.1:8001"),
        ("serve --shared --host 0.0.0.0", "http://127.0.0.1:8000"),
        ("intake --port=8002 --host 10.1.2.3", "http://10.1.2.3:8002"),
        ("migrate --shared", ""),
    ],
)
def test_only_who_shares_has_an_address_for_the_others(words: str, address: str) -> None:
    assert shared_address(["yuanjiao", *words.split()]) == address


def test_a_second_intake_is_refused_beside_a_serve_that_listens_alone(tmp_path: Path) -> None:
    yuanjiao(tmp_path, "found", "--code", "990100000000", "--name", "青禾市")
    mark = (
        "from yuanjiao.flow.nodes.queries import own_node; from yuanjiao.lib import clock; "
        "from yuanjiao.network.commands import set_mark; set_mark(observer=own_node().uid, at=clock.now())"
    )
    assert yuanjiao(tmp_path, "shell", "-c", mark).returncode == 0
    done = yuanjiao(tmp_path, "intake", "--port", "1")
    assert done.returncode == 1
    assert "独自监听" in done.stderr


def test_an_edge_has_no_second_intake(tmp_path: Path) -> None:
    done = yuanjiao(tmp_path, "intake", "--port", "1", ROLE="edge", PARENT="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "只有中心" in done.stderr
