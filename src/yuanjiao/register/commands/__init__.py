"""What can be done with a spreadsheet: receive, check, apply, undo, give up."""

from yuanjiao.register.commands.apply import apply_import
from yuanjiao.register.commands.check import check_import
from yuanjiao.register.commands.move import move_division
from yuanjiao.register.commands.receive import cancel_import, forget_files, receive_file, request_apply
from yuanjiao.register.commands.sightings import SightingImport, import_sightings, returned_file
from yuanjiao.register.commands.undo import undo_import

__all__ = [
    "SightingImport",
    "apply_import",
    "cancel_import",
    "check_import",
    "forget_files",
    "import_sightings",
    "move_division",
    "receive_file",
    "request_apply",
    "returned_file",
    "undo_import",
]
