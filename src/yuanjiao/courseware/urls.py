"""Routes of courseware: pages under /courseware/, public playlists under /play/."""

from django.urls import path

from yuanjiao.courseware import api
from yuanjiao.courseware.views import columns, freshness, items, misses, play, review

app_name = "courseware"
urlpatterns = [
    path("courseware/", items.item_list, name="item_list"),
    path("courseware/new/", items.item_new, name="item_new"),
    path("courseware/library/", items.library, name="library"),
    path("courseware/review/", review.review_list, name="review_list"),
    path("courseware/release/", review.release_list, name="release_list"),
    path("courseware/misses/", misses.miss_list, name="miss_list"),
    path("courseware/columns/", columns.column_list, name="column_list"),
    path("courseware/columns/new/", columns.column_new, name="column_new"),
    path("courseware/columns/freshness/", freshness.freshness, name="freshness"),
    path("courseware/columns/adoption/", freshness.adoption_list, name="adoption_list"),
    path("courseware/columns/<uuid:uid>/", columns.column, name="column"),
    path("courseware/columns/<uuid:uid>/categories/", freshness.category_change, name="category_change"),
    path("courseware/placements/<uuid:uid>/describe/", freshness.placement_describe, name="placement_describe"),
    path("courseware/placements/<uuid:uid>/adopt/", freshness.adopt, name="adopt"),
    path("courseware/placements/<uuid:uid>/move/", columns.placement_move, name="placement_move"),
    path("courseware/placements/<uuid:uid>/remove/", columns.placement_remove, name="placement_remove"),
    path("courseware/uploads/", api.upload_create, name="upload_create"),
    path("courseware/uploads/<uuid:uid>/", api.upload, name="upload"),
    path("courseware/<uuid:uid>/", items.item, name="item"),
    path("courseware/<uuid:uid>/edit/", items.item_edit, name="item_edit"),
    path("courseware/<uuid:uid>/progress/", items.item_progress, name="item_progress"),
    path("courseware/<uuid:uid>/file/", items.item_file, name="item_file"),
    path("courseware/<uuid:uid>/captions/", items.item_captions, name="item_captions"),
    path("courseware/<uuid:uid>/retry/", items.item_retry, name="item_retry"),
    path("courseware/<uuid:uid>/submit/", items.item_submit, name="item_submit"),
    path("courseware/<uuid:uid>/approve/", review.item_approve, name="item_approve"),
    path("courseware/<uuid:uid>/return/", review.item_return, name="item_return"),
    path("courseware/<uuid:uid>/release/", review.item_release, name="item_release"),
    path("courseware/<uuid:uid>/withdraw/", review.item_withdraw, name="item_withdraw"),
    path("courseware/<uuid:uid>/preview/master.m3u8", play.preview_master, name="preview_master"),
    path("courseware/<uuid:uid>/preview/<slug:profile>.m3u8", play.preview_media, name="preview_media"),
    path("play/newest.json", play.newest, name="newest"),
    path("play/<uuid:uid>/master.m3u8", play.master_playlist, name="master_playlist"),
    path("play/<uuid:uid>/<slug:profile>.m3u8", play.media_playlist, name="media_playlist"),
]
