"""The machine doors answer what their description says, whatever they are asked: no 5xx, no status or form that is not described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.architecture.doors import DOORS, MACHINE
from tests.journeys.living import wait_for
from yuanjiao.simulation.processes import NodeProcess
from yuanjiao.wiring.intake import INTAKE
from yuanjiao.wiring.openapi import BYTES, COMPACT, PART, SEALED, description

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FORMS_OF_TELEVISION = {"desks:tv_notice_ok", "learning:tv_done", "learning:tv_record"}
"""Pressed by people on pages that belong to nobody: their form is their description."""
EXAMPLES = 40
pytestmark = pytest.mark.own_files


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A whole server by itself, its catalogue signed and its ears open."""
    server = NodeProcess(role="solo", home=tmp_path_factory.mktemp("described") / "solo", name="青禾市", FOLLOW_S="1", SWEEP_S="1")
    server.command("found", "--code", "990100000000", "--name", "青禾市", "--province", "清源省")
    server.start()
    try:
        wait_for("the catalogue", lambda: httpx.post(f"{server.address}/enrol", content=b"{}", timeout=20).status_code == 400)
        wait_for("the ears", lambda: httpx.get(f"{server.address}/beat?site=x&key=y", timeout=20).status_code == 200)
        yield server
    finally:
        server.stop()


schemathesis.serializer.alias([SEALED, COMPACT, PART], BYTES)
schema = schemathesis.openapi.from_dict(description())


@pytest.mark.journey
def test_the_description_is_served(node: NodeProcess) -> None:
    assert httpx.get(f"{node.address}/api/openapi.json", timeout=20).json() == json.loads(json.dumps(description()))


@pytest.mark.journey
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
def test_every_door_answers_as_described(case: Any, node: NodeProcess) -> None:
    case.call_and_validate(base_url=node.address, checks=CHECKS, timeout=20)


def test_every_machine_door_is_described() -> None:
    from tests.architecture import house

    paths = {str(path).split("{")[0] for path in description()["paths"]}
    assert set(INTAKE) <= paths
    routes = {name: str(pattern.pattern) for name, pattern in house.views() if DOORS[name] == MACHINE and name not in FORMS_OF_TELEVISION}
    ends = {name: route.split("<")[0] for name, route in routes.items()}
    assert not {name for name, end in ends.items() if not any(path.rstrip("/").endswith(end.rstrip("/")) for path in paths)}
