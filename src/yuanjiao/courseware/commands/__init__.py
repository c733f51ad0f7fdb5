"""Every write of courseware: items, their uploads, review and release, columns."""

from yuanjiao.courseware.commands.columns import change_column, move_placement, open_column, remove_placement
from yuanjiao.courseware.commands.items import (
    attach_captions,
    create_courseware,
    describe_courseware,
    retry_packaging,
    submit_courseware,
    take_original,
)
from yuanjiao.courseware.commands.review import approve_courseware, release_courseware, return_courseware, withdraw_courseware
from yuanjiao.courseware.commands.search import note_search_miss
from yuanjiao.courseware.commands.shortcut import publish_file
from yuanjiao.courseware.commands.uploads import append_upload, begin_upload, clear_uploads, end_upload, finish_upload

__all__ = [
    "append_upload",
    "approve_courseware",
    "attach_captions",
    "begin_upload",
    "change_column",
    "clear_uploads",
    "create_courseware",
    "describe_courseware",
    "end_upload",
    "finish_upload",
    "move_placement",
    "note_search_miss",
    "open_column",
    "publish_file",
    "release_courseware",
    "remove_placement",
    "retry_packaging",
    "return_courseware",
    "submit_courseware",
    "take_original",
    "withdraw_courseware",
]
