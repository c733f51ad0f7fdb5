"""Every read of items that another room may make, by noun."""

from yuanjiao.items.queries.asking import asked, asked_of
from yuanjiao.items.queries.lists import (
    StoryLine,
    acts_open_to,
    colour_filter,
    colour_now,
    counts_by_state,
    happened_since,
    held_item,
    item_by_code,
    item_seen_by,
    items_seen_by,
    open_items,
    overdue_items,
    stance_of,
    story,
    verifications,
)
from yuanjiao.items.queries.stuck import Waiting, stuck_at, stuck_summary
from yuanjiao.items.queries.trees import Branch, Tree, filters_of, open_change, path_to, phases, progress_of, states_at, tree_of

__all__ = [
    "Branch",
    "StoryLine",
    "Tree",
    "Waiting",
    "acts_open_to",
    "asked",
    "asked_of",
    "colour_filter",
    "colour_now",
    "counts_by_state",
    "filters_of",
    "happened_since",
    "held_item",
    "item_by_code",
    "item_seen_by",
    "items_seen_by",
    "open_change",
    "open_items",
    "overdue_items",
    "path_to",
    "phases",
    "progress_of",
    "stance_of",
    "states_at",
    "story",
    "stuck_at",
    "stuck_summary",
    "tree_of",
    "verifications",
]
