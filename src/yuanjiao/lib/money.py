"""Money as whole fen (分), and how people read and write it: 1,234.50."""

from __future__ import annotations

from decimal import Decimal

FEN = Decimal(100)


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals and commas, without the word 元: -123450 → "-1,234.50"."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02}"


def in_yuan(fen: int) -> Decimal:
    """Fen as an exact number of yuan, for cells that spreadsheets add up."""
    return Decimal(fen) / FEN


def to_fen(amount: Decimal) -> int:
    """Yuan as fen. ValueError when it is not a whole number of fen."""
    fen = amount * FEN
    if fen != fen.to_integral_value():
        raise ValueError(f"{amount} is no whole number of fen")
    return int(fen)
