"""The laws of the house that a linter of imports cannot see. Each test's name says its law."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.utils.module_loading import import_string

from tests.architecture import house
from yuanjiao.flow.journal.event import Event
from yuanjiao.lib.travels import Travels

FORBIDDEN_FILES = {"utils.py", "helpers.py", "misc.py", "common.py", "manager.py", "handler.py", "service.py", "data.py", "info.py"}
CLOCK_CALLS = {"now", "today", "utcnow", "localtime", "localdate", "time"}


def test_the_import_contracts_hold() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=house.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_room_stands_on_a_floor_and_every_floor_has_a_room() -> None:
    listed = {room for names in house.floors() for room in names}
    present = {path.name for path in house.SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert listed == present


@pytest.mark.parametrize("model", house.own_models(), ids=lambda model: model._meta.label)
def test_law_1_every_model_says_how_it_travels_and_what_is_personal(model: type[models.Model]) -> None:
    declared = vars(model)
    assert isinstance(declared.get("travels"), Travels), f"{model.__name__} does not say how it travels"
    assert isinstance(declared.get("personal"), tuple), f"{model.__name__} does not say which fields are personal"
    names = {field.name for field in model._meta.get_fields()}
    assert set(declared["personal"]) <= names
    assert (model.__doc__ or "").strip(), f"{model.__name__} has no docstring"
    assert not (model.__doc__ or "").startswith(f"{model.__name__}("), f"{model.__name__} has only Django's docstring"


def has_identity(model: type[models.Model]) -> bool:
    """A unique field or named combination that means the same on every machine; an integer key does not."""
    fields = [field for field in model._meta.fields if not field.primary_key or field.remote_field is not None]
    return any(field.unique for field in fields) or any(isinstance(rule, models.UniqueConstraint) for rule in model._meta.constraints)


def test_law_3_a_model_that_travels_has_an_identity_other_machines_understand() -> None:
    travelling = [model for model in house.own_models() if model.travels is not Travels.LOCAL]  # type: ignore[attr-defined]
    assert not [model._meta.label for model in travelling if not has_identity(model)]


def test_law_4_only_doors_jobs_and_the_command_line_read_the_clock() -> None:
    inner = {"rules.py", "events.py", "commands.py", "queries.py", "models.py", "shelf.py"}
    guilty = []
    for path in house.python_files():
        if path.name not in inner and not {"rules", "events", "commands", "models"} & set(path.parts):
            continue
        if "management" in path.parts:  # the command line is a door
            continue
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
                owner = ast.unparse(node.func.value)
                if owner in {"clock", "datetime", "date", "timezone", "time", "dt.datetime"}:
                    guilty.append(f"{path.relative_to(house.ROOT)}:{node.lineno} {ast.unparse(node.func)}")
    assert not guilty


def test_law_8_foreign_keys_point_down() -> None:
    wrong = []
    for model in house.own_models():
        own = model.__module__.split(".")[1]
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if not getattr(field, "concrete", False) or target is None or not target.__module__.startswith("yuanjiao."):
                continue
            other = target.__module__.split(".")[1]
            if other != own and house.floor_of(other) <= house.floor_of(own):
                wrong.append(f"{model._meta.label}.{field.name} → {target._meta.label}")
    assert not wrong


def test_every_event_is_wired_once_under_its_own_kind() -> None:
    for path in house.python_files():
        if path.name == "events.py" or "events" in path.parts or room_records_events(path):
            import_string_module(path)
    table = import_string(settings.YUANJIAO_EVENTS)
    classes = {kind: kind.KIND for kind in all_subclasses(Event) if kind.__module__.startswith("yuanjiao.")}
    assert set(classes.values()) == set(table)
    for name, (kind, _apply) in table.items():
        assert name == kind.KIND
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+/\d+", name)


def room_records_events(path: Path) -> bool:
    return "(Event" in path.read_text()


def import_string_module(path: Path) -> None:
    name = ".".join(path.relative_to(house.SOURCE.parent).with_suffix("").parts)
    __import__(name)


def all_subclasses(kind: type) -> set[type[Event]]:
    found = set(kind.__subclasses__())
    return found | {deeper for child in found for deeper in all_subclasses(child)}


def test_applying_reads_no_clock_settings_network_or_chance() -> None:
    """Replay equals live only if an apply_* depends on the event and the tables alone (law 2)."""
    forbidden = re.compile(r"\b(clock\.|settings\.|random\.|secrets\.|uuid4\(|new_uid\(|httpx\.|open\()")
    guilty = []
    for path in house.python_files():
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("apply_") and path.name != "record.py":
                text = ast.unparse(node)
                if forbidden.search(text):
                    guilty.append(f"{path.relative_to(house.ROOT)}:{node.lineno} {node.name}")
    assert not guilty


def test_no_room_queries_another_rooms_tables() -> None:
    """A room is entered by commands, queries and rules; `.objects` of a foreign model is a door round them."""
    guilty = []
    for path in house.python_files():
        own = house.room_of(path)
        foreign: set[str] = set()
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module and re.match(r"yuanjiao\.(\w+)\.(models|.*\.models)", node.module):
                room = node.module.split(".")[1]
                if room != own and own not in {"wiring", "simulation"}:
                    foreign |= {alias.asname or alias.name for alias in node.names}
        guilty += [
            f"{path.relative_to(house.ROOT)}:{node.lineno} {node.value.id}.objects"
            for node in ast.walk(house.tree(path))
            if isinstance(node, ast.Attribute) and node.attr == "objects" and isinstance(node.value, ast.Name) and node.value.id in foreign
        ]
    assert not guilty


def test_rooms_do_not_ask_for_the_role() -> None:
    """A role opens doors (wiring); it never changes what is behind them (law 10)."""
    asking = [
        str(path.relative_to(house.ROOT))
        for path in house.python_files()
        if house.room_of(path) not in {"wiring", "simulation"} and "settings.ROLE" in path.read_text()
    ]
    assert asking in ([], ["src/yuanjiao/flow/nodes/commands.py"])  # which kind of node this machine is


def test_no_file_has_a_name_that_says_nothing() -> None:
    drawers = [str(path) for path in house.python_files() if path.name in FORBIDDEN_FILES]
    assert not drawers


def test_no_save_override_and_no_signal_receiver() -> None:
    guilty = []
    for path in house.python_files():
        holds_models = "models" in path.parts or path.name == "models.py"
        for node in ast.walk(house.tree(path)):
            if holds_models and isinstance(node, ast.ClassDef) and "save" in {getattr(item, "name", "") for item in node.body}:
                guilty.append(f"{path.relative_to(house.ROOT)} {node.name}.save")
            if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals":
                guilty.append(f"{path.relative_to(house.ROOT)} uses signals")
    assert not guilty


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_broad_excepts_stand_only_at_the_borders() -> None:
    borders = {"wiring/engine.py"}
    broad = []
    for path in house.python_files():
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}):
                name = str(path.relative_to(house.SOURCE))
                if name not in borders:
                    broad.append(f"{name}:{node.lineno}")
    assert len(broad) <= 5, broad


def test_every_room_says_what_it_is_for() -> None:
    rooms = {room for names in house.floors() for room in names} - {"lib"}
    missing = [room for room in sorted(rooms) if not (house.SOURCE / room / "README.md").exists()]
    assert not missing


def test_every_dependency_has_its_reason_written_down() -> None:
    declared = tomllib.loads((house.ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[<>=]", line)[0] for line in declared}
    page = (house.ROOT / "docs/dependencies.md").read_text().lower()
    assert not [name for name in sorted(names) if name not in page]


def test_lock_files_carry_hashes_and_no_hosts() -> None:
    for path in (*(house.ROOT / "requirements").glob("*.txt"), house.ROOT / "package-lock.json"):
        text = path.read_text()
        assert "--hash=" in text or '"integrity"' in text
        assert not re.search(r"https?://|--index-url|--find-links", re.sub(r'"(url|funding|license)": ?"[^"]*"', "", text)), path.name


def test_nothing_third_party_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=house.ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert not [name for name in listed if "/vendor/" in name or "node_modules" in name or name.endswith((".min.js", ".min.css", ".whl"))]


def test_only_the_store_itself_takes_blobs_for_files_of_this_disk() -> None:
    """They may be in a bucket: who needs bytes asks for `pieces` or `read`, who needs a file for `local` (decision 0093)."""
    blobs = house.SOURCE / "flow" / "blobs"
    allowed = {house.SOURCE / "wiring" / "edge" / "backup.py"}  # for the name in the archive
    found = [
        str(path.relative_to(house.SOURCE))
        for path in house.SOURCE.rglob("*.py")
        if path not in allowed and blobs not in path.parents and re.search(r"\bstore\.path\(", path.read_text())
    ]
    assert found == []
