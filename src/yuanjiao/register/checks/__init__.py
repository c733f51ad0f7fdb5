"""Checking a whole file against the register before anything is written."""

from yuanjiao.register.checks.book import check_book
from yuanjiao.register.checks.rows import Book, Row

__all__ = ["Book", "Row", "check_book"]
