"""The two hot doors that bypass middleware: path → ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

INTAKE: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {}
