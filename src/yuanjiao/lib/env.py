"""Typed reading of `YUANJIAO_*` variables; the declared settings are also the table in docs/settings.md.

Rules: a value is read once; `NAME_FILE` may point at a file that holds the value (secrets); an unknown `YUANJIAO_`
name stops the start, because a misspelt setting is a setting that silently does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from yuanjiao.lib.dayspans import DaySpan, read_spans
from yuanjiao.lib.s3address import S3Address, read_address

T = TypeVar("T")
PREFIX = "YUANJIAO_"
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class BadSetting(Exception):
    """A variable that cannot be used; the message names it and says what is expected."""


@dataclass(frozen=True)
class Declared:
    """One line of the settings table."""

    name: str
    kind: str
    default: str
    sentence: str


def as_bool(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError("1 or 0 is expected")


def as_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


class Env:
    """Reads declared variables from a mapping and remembers what was declared."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.declared: list[Declared] = []

    def text(self, name: str, default: str, sentence: str, *, choices: tuple[str, ...] = ()) -> str:
        def check(text: str) -> str:
            if choices and text not in choices:
                raise ValueError(f"one of {', '.join(choices)} is expected")
            return text

        return self._read(name, "text" if not choices else " / ".join(choices), default, sentence, check)

    def integer(self, name: str, default: int, sentence: str, *, least: int | None = None) -> int:
        def check(text: str) -> int:
            number = int(text)
            if least is not None and number < least:
                raise ValueError(f"{least} or more is expected")
            return number

        return self._read(name, "integer", str(default), sentence, check)

    def number(self, name: str, default: float, sentence: str) -> float:
        return self._read(name, "number", str(default), sentence, float)

    def boolean(self, name: str, default: bool, sentence: str) -> bool:
        return self._read(name, "1 or 0", "1" if default else "0", sentence, as_bool)

    def names(self, name: str, default: str, sentence: str) -> list[str]:
        return self._read(name, "comma list", default, sentence, as_list)

    def spans(self, name: str, default: str, sentence: str) -> tuple[DaySpan, ...]:
        """Spans of the day (lib/dayspans.py); an empty text is none."""
        return self._read(name, "spans of the day", default, sentence, read_spans)

    def bucket(self, name: str, default: str, sentence: str) -> S3Address | None:
        """A place in S3-compatible storage (lib/s3address.py); an empty text is none."""
        return self._read(name, "address", default, sentence, read_address)

    def _read(self, name: str, kind: str, default: str, sentence: str, parse: Callable[[str], T]) -> T:
        self.declared.append(Declared(PREFIX + name, kind, default, sentence))
        text = self._raw(PREFIX + name, default)
        try:
            return parse(text)
        except ValueError as error:
            raise BadSetting(f"{PREFIX}{name}={text!r}: {error}") from None

    def _raw(self, name: str, default: str) -> str:
        path = self._environ.get(name + "_FILE")
        if path is None:
            return self._environ.get(name, default)
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise BadSetting(f"{name}_FILE={path!r} cannot be read: {error.strerror}") from None

    def refuse_unknown(self) -> None:
        """Raise BadSetting for any `YUANJIAO_` variable that nobody declared."""
        known = {item.name for item in self.declared}
        known |= {name + "_FILE" for name in known}
        unknown = sorted(name for name in self._environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise BadSetting(f"unknown setting {', '.join(unknown)}; the known ones are listed in docs/settings.md")
