"""What the laws are checked against: the rooms, their files, their models and views."""

from __future__ import annotations

import ast
import configparser
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/yuanjiao"


@cache
def floors() -> tuple[tuple[str, ...], ...]:
    """The floors of .importlinter, top to bottom."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    lines = contract["importlinter:contract:house"]["layers"].split("\n")
    return tuple(tuple(name.strip() for name in line.split("|")) for line in lines if line.strip())


def floor_of(room: str) -> int:
    """0 is the top."""
    return next(number for number, names in enumerate(floors()) if room in names)


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def python_files() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def own_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("yuanjiao.")]


def views() -> list[tuple[str, URLPattern]]:
    """Every route with its full name, such as 'people:log_in'."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> list[tuple[str, URLPattern]]:
        found: list[tuple[str, URLPattern]] = []
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
                found += walk(pattern.url_patterns, space)
            else:
                found.append((f"{prefix}{pattern.name}", pattern))
        return found

    return walk(get_resolver().url_patterns, "")
