"""The two hot doors that bypass middleware: path → ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from yuanjiao.flow.journal import door as journal
from yuanjiao.network import intake as beats

INTAKE: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {
    journal.PATH: journal.door,
    beats.PATH: beats.door,
}
