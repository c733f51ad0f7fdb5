"""The two hot doors that bypass middleware: path → door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from yuanjiao.flow.journal import door as journal
from yuanjiao.lib.rsgi import Asker, Question
from yuanjiao.network import intake as beats

INTAKE: dict[str, Callable[[Question, Asker], Awaitable[None]]] = {
    journal.PATH: journal.door,
    beats.PATH: beats.door,
}
