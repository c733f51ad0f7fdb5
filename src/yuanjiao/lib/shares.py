"""A share in words: per cent with two decimals, in which rounding makes neither all nor nothing of it."""

from __future__ import annotations


def per_cent(value: float) -> str:
    """0.98534 → 98.53%. What is less than all is never 100.00%, and what is more than nothing never 0.00%."""
    text = f"{value * 100:.2f}%"
    if text == "100.00%" and value < 1:
        return "99.99%"
    return "0.01%" if text == "0.00%" and value > 0 else text
