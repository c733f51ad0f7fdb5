"""What the doors under /catalogue/ answer with a file: as little as the asker needs.

304 for one who has it, the difference (encoding.py) for one who has an earlier version; of a large document with all its changed parts in
the same answer (bundle.py). What is long in the making is kept (packed.py). What has its version or digest in its name needs no ETag.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from yuanjiao.flow.catalogue import bundle, packed
from yuanjiao.flow.catalogue.bundle import bundled
from yuanjiao.flow.catalogue.encoding import pack, wanted_digest
from yuanjiao.flow.catalogue.parts import FORM, Part, form_of, is_part
from yuanjiao.flow.catalogue.publish import public_folder
from yuanjiao.lib.errors import Tampered

METADATA = re.compile(r"timestamp\.json|root\.json|(?P<version>\d{1,18})\.(?P<role>root|snapshot|targets)\.json", re.ASCII)
BASES_LOOKED_AT = 64
"""How many earlier metadata versions are tried as the base of a difference."""
Headers = Callable[[str], str]
"""A header of the question by its lower-case name; empty when it was not said."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body."""

    status: int
    labels: dict[str, str]
    body: bytes = b""


NOTHING = Answer(404, {})


def metadata(name: str, said: Headers) -> Answer:
    """A file of metadata by its name under /catalogue/metadata/."""
    found = METADATA.fullmatch(name)
    path = public_folder() / "metadata" / name
    if found is None or not path.is_file():
        return NOTHING
    return answer(path, _earlier(found["version"], found["role"]) if found["version"] else [], said)


def answer(path: Path, earlier: list[Path], said: Headers) -> Answer:
    """A file that is there; `earlier` are files the asker may hold."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if path.suffix == ".part" and not path.name.startswith(digest):
        with suppress(OSError):
            path.unlink(missing_ok=True)  # torn by a power cut: the next turn lays it down or fetches it anew
        return NOTHING
    if path.name[0].isdigit() or len(path.name) > 64:
        labels = {"Cache-Control": "max-age=31536000, immutable"}
    else:
        labels = {"Cache-Control": "no-cache", "ETag": f'"{digest}"'}
        if said("if-none-match") == labels["ETag"]:
            return Answer(304, labels)
    kind, encoding, body = _encoded(path, digest, content, earlier, said)
    labels |= {"Content-Type": kind, "Vary": "Accept, Accept-Encoding, Available-Dictionary"}
    return Answer(200, labels | ({"Content-Encoding": encoding} if encoding else {}), body)


def _encoded(path: Path, digest: str, content: bytes, earlier: list[Path], said: Headers) -> tuple[str, str, bytes]:
    """Content-Type, Content-Encoding and body."""
    accepted = {part.split(";")[0].strip() for part in said("accept-encoding").split(",")}
    held = wanted_digest(said("available-dictionary")) if "dcz" in accepted else ""
    base = _base(earlier, held) if held else None
    if base is not None and said("accept") == bundle.TYPE and (body := _bundled(path, digest, content, held, base)):
        return bundle.TYPE, "", body
    kind = "application/json" if path.suffix == ".json" else "application/octet-stream"
    if base is None and ("zstd" not in accepted or len(content) < 1000):
        return kind, "identity", content
    if len(content) + len(base or b"") < packed.WORTH_KEEPING:
        return kind, *pack(content, base)
    return kind, "dcz" if base else "zstd", packed.kept(("whole", digest, held if base else ""), lambda: pack(content, base)[1])


def _base(earlier: list[Path], held: str) -> bytes | None:
    """The earlier file of that digest, as it is now: one that the disk has spoilt since is none."""
    named = next((path for path in earlier if path.is_file() and _digest(path) == held), None)
    content = named.read_bytes() if named is not None else b""
    return content if hashlib.sha256(content).hexdigest() == held else None


def _bundled(path: Path, digest: str, content: bytes, held: str, base: bytes) -> bytes:
    """A changed target file with all its changed parts; nothing when they are asked for one by one."""

    def read(part: Part) -> bytes | None:
        where = path.with_name(f"{part.sha256}.{path.name.split('.')[1]}.part")
        found = where.read_bytes() if where.is_file() else b""
        return found if is_part(found, part) else None

    if path.suffix != ".json":
        return b""
    with suppress(Tampered):  # what cannot be read is passed on as it is: the asker judges it
        if form_of(content) == FORM:
            return packed.kept(("bundle", digest, held), lambda: bundled(base, content, read) or b"")
    return b""


def _earlier(version: str, role: str) -> list[Path]:
    """Versions before this one, newest first."""
    found = (public_folder() / "metadata").glob(f"*.{role}.json")
    numbered = sorted((int(path.name.split(".")[0]), path) for path in found if path.name.split(".")[0].isdigit())
    return [path for number, path in reversed(numbered) if number < int(version)][:BASES_LOOKED_AT]


@lru_cache(maxsize=1024)
def _digest(path: Path) -> str:
    """Files with a version or a digest in their name never change."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
