"""Every write of courseware: items, their uploads, review and release, columns."""

from yuanjiao.courseware.commands.columns import (
    add_category,
    adopt_courseware,
    change_category,
    change_column,
    describe_placement,
    drop_category,
    move_placement,
    open_column,
    remove_placement,
    watch_columns,
)
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
    "add_category",
    "adopt_courseware",
    "append_upload",
    "approve_courseware",
    "attach_captions",
    "begin_upload",
    "change_category",
    "change_column",
    "clear_uploads",
    "create_courseware",
    "describe_courseware",
    "describe_placement",
    "drop_category",
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
    "watch_columns",
    "withdraw_courseware",
]
