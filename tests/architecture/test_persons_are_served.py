"""Design idea 6: no log-in counts, dwell time, streaks, points or rankings of persons; no monitoring of what people say."""

from __future__ import annotations

import re

import pytest

from tests.architecture import house
from yuanjiao.people.models import Account, Person
from yuanjiao.people.rules import PERMISSIONS, Permission, Role

MEASURES_OF_PERSONS = re.compile(
    r"login_count|last_login|last_seen|dwell|streak|points|score_of_person|ranking|watched_seconds|watch_time|study_duration|online_time|"
    r"belief|religion|health|id_number|identity_number|biometric|face_|family|opinion|sentiment|conduct|offence"
)
PERSON_MODELS = {Person, Account}


@pytest.mark.clause("LRN12", "FBK20", "ASM29", "GOV09")
def test_no_table_holds_a_measure_or_a_label_of_a_person() -> None:
    found = [
        f"{model._meta.label}.{field.name}"
        for model in house.own_models()
        for field in model._meta.get_fields()
        if getattr(field, "concrete", False) and MEASURES_OF_PERSONS.search(field.name)
    ]
    assert not found


@pytest.mark.clause("FBK12")
def test_no_role_and_no_permission_can_follow_persons_or_their_posts() -> None:
    assert not [name for name in [*Role, *Permission] if re.search(r"observ|monitor|opinion|watch|follow|sentiment", name)]
    assert set(PERMISSIONS) == set(Role)


def test_play_records_carry_no_person() -> None:
    """What is played at a site is a fact of the site; no table joins a person with an item of courseware as a viewer."""
    for model in house.own_models():
        name = model.__name__.lower()
        if "play" in name or "session" in name:
            targets = {field.related_model for field in model._meta.get_fields() if getattr(field, "related_model", None)}
            viewers = {field.name for field in model._meta.get_fields() if field.name in {"viewer", "learner", "attendee", "watched_by"}}
            assert not viewers
            assert Account not in targets
