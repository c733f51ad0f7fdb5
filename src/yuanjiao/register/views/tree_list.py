"""A list with the tree of counties and towns at its left (requirements c13); choosing a place narrows the list to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.http import HttpResponseBase

from yuanjiao.lib import clock
from yuanjiao.people.access import ActingRequest
from yuanjiao.people.queries import within
from yuanjiao.people.rules import Permission
from yuanjiao.places.models import Division
from yuanjiao.register.queries import path_under, place_names, tree
from yuanjiao.ui.lists import ListPage, respond


@dataclass(frozen=True)
class Scope:
    """Where a list looks: the actor's paths, narrowed to the place chosen in the tree."""

    paths: tuple[str, ...]
    chosen_code: str
    chosen_path: str

    def within(self, field: str) -> Q:
        return within(field, (self.chosen_path,) if self.chosen_path else self.paths)


def scope_of(request: ActingRequest, permission: Permission) -> Scope:
    paths = request.actor.paths(permission)
    code = request.GET.get("under", "")
    return Scope(paths, code, path_under(paths, code, on=clock.today()) if code else "")


def tree_list(request: ActingRequest, page: ListPage[Any], scope: Scope) -> HttpResponseBase:
    """The list as page, fragment or xlsx, with its tree."""
    branches = tree(scope.paths, chosen=scope.chosen_path, on=clock.today())
    context = {**page.context, "tree": branches, "chosen": scope.chosen_code if scope.chosen_path else "", "page_title": page.title}
    return respond(request, replace(page, context=context), "register/tree_list.html")


class PlaceNames:
    """Names of places from the county down, fetched once per page of rows."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def prepare(self, divisions: Iterable[Division]) -> None:
        codes = {code for division in divisions for code in division.path.split("/") if code}
        self._names = place_names(codes, on=clock.today())

    def full(self, division: Division) -> str:
        """柳溪县石桥镇李村; the names in force today, whatever row the list's row hangs on."""
        codes = [code for code in division.path.split("/") if code]
        return "".join(self._names.get(code, "") for code in codes[2:]) or self._names.get(division.code, division.name)

    def county(self, division: Division) -> str:
        codes = [code for code in division.path.split("/") if code]
        return self._names.get(codes[2], "") if len(codes) > 2 else "市本级"
