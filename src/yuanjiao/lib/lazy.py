"""A sequence whose rows are made when somebody looks at them: columns hold the numbers, pages show the first few rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class Lazy(Sequence[T], Generic[T]):
    """`count` rows, each made by `make(number)` once, at the first look."""

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._count, self._make = count, make
        self._made: dict[int, T] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, wanted: int) -> T: ...
    @overload
    def __getitem__(self, wanted: slice) -> Lazy[T]: ...

    def __getitem__(self, wanted: int | slice) -> T | Lazy[T]:
        if isinstance(wanted, slice):
            places = range(self._count)[wanted]
            return Lazy(len(places), lambda number: self[places[number]])
        number = range(self._count)[wanted]
        if number not in self._made:
            self._made[number] = self._make(number)
        return self._made[number]

    def __eq__(self, other: object) -> bool:
        """Rows by rows, with any other sequence."""
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none either

    def __repr__(self) -> str:
        some: list[Any] = list(self[:3])
        return f"{type(self).__name__}({some!r}{' …' if self._count > len(some) else ''})"
