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


@pytest.mark.django_db
def test_the_page_of_an_item_takes_stars_by_a_plain_form_and_keeps_sums_alone(publish: Publish, client: Client) -> None:
    item = publish("果树修剪")
    page = client.get(f"/items/{item.uid}/").content.decode()
    assert page.count(f'formaction="/plays/{item.uid}/') == 5
    assert client.post(f"/plays/{item.uid}/4/").status_code == 204
    assert client.post(f"/plays/{item.uid}/6/").status_code == 404
