"""What other rooms may change of places and units: one at a time, or many at once from the register's spreadsheet."""

from yuanjiao.places.commands.many import (
    DivisionEntry,
    UnitEntry,
    correct_division,
    correct_unit,
    enter_divisions,
    enter_units,
    remove_divisions,
    remove_units,
    restore_division,
)
from yuanjiao.places.commands.moving import move_division
from yuanjiao.places.commands.single import add_division, add_unit, rename_division

__all__ = [
    "DivisionEntry",
    "UnitEntry",
    "add_division",
    "add_unit",
    "correct_division",
    "correct_unit",
    "enter_divisions",
    "enter_units",
    "move_division",
    "remove_divisions",
    "remove_units",
    "rename_division",
    "restore_division",
]
