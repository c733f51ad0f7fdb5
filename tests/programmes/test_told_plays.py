"""The portal's page of a film tells its plays; a page without a film tells nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.programmes.conftest import Publish
from yuanjiao.courseware.models import Column


@pytest.mark.django_db
def test_the_page_of_a_film_says_where_its_plays_are_told(publish: Publish, client: Client, column: Column) -> None:
    del column
    item = publish("养猪技术")
    page = client.get(f"/items/{item.uid}/").content.decode()
    assert f'data-plays="/plays/{item.uid}/"' in page
    assert "programmes/plays.js" in page
