"""Routes of courseware: pages under /courseware/, public playlists under /play/."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from yuanjiao.courseware import api
from yuanjiao.courseware.views import columns, content, desk, freshness, items, misses, offers, packaging, papers, play, policies, review
from yuanjiao.people.access import made_above

app_name = "courseware"
HERE = frozenset({
    "library", "item", "item_progress", "packaging_list", "miss_list", "count_list", "material_list", "policy_list", "freshness",
    "preview_master", "preview_media", "newest", "master_playlist", "media_playlist",
})  # fmt: skip
"""Pages that read what this very machine holds; all others make or change what has its home at the top."""
LINE_DOWN = _("课件在上级平台制作，现在与上级的线路不通。请先把片子、照片留在手机里，线路恢复后再传。")
NOT_KEPT = _("课件在上级平台制作，这里没有保存。请从菜单重新进入，会转到上级平台。")
urlpatterns = [
    path("courseware/", items.item_list, name="item_list"),
    path("courseware/new/", items.item_new, name="item_new"),
    path("courseware/library/", items.library, name="library"),
    path("courseware/packaging/", packaging.packaging_list, name="packaging_list"),
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
    path("courseware/<uuid:uid>/hurry/", packaging.item_hurry, name="item_hurry"),
    path("courseware/<uuid:uid>/file/", content.item_file, name="item_file"),
    path("courseware/<uuid:uid>/article/", content.item_article, name="item_article"),
    path("courseware/<uuid:uid>/word/", content.item_word, name="item_word"),
    path("courseware/<uuid:uid>/pictures/", content.item_pictures, name="item_pictures"),
    path("courseware/<uuid:uid>/pictures/<int:number>/", content.picture_change, name="picture_change"),
    path("courseware/<uuid:uid>/revise/", content.item_revise, name="item_revise"),
    path("courseware/<uuid:uid>/rights/", papers.item_rights, name="item_rights"),
    path("courseware/<uuid:uid>/people/", papers.item_people, name="item_people"),
    path("courseware/<uuid:uid>/needs/", papers.item_needs, name="item_needs"),
    path("courseware/<uuid:uid>/policy/", policies.item_policy, name="item_policy"),
    path("courseware/policies/", policies.policy_list, name="policy_list"),
    path("courseware/people/<uuid:uid>/", papers.person_change, name="person_change"),
    path("courseware/<uuid:uid>/offer/", offers.item_offer, name="item_offer"),
    path("courseware/offers/", offers.offer_list, name="offer_list"),
    path("courseware/offers/received/", offers.offers_received, name="offers_received"),
    path("courseware/offers/<uuid:uid>/", offers.offer, name="offer"),
    path("courseware/offers/<uuid:uid>/decide/", offers.offer_decide, name="offer_decide"),
    path("courseware/stories/new/", offers.story_new, name="story_new"),
    path("courseware/commissions/", desk.commission_list, name="commission_list"),
    path("courseware/commissions/new/", desk.commission_new, name="commission_new"),
    path("courseware/commissions/<uuid:uid>/", desk.commission, name="commission"),
    path("courseware/bulk/", desk.bulk_list, name="bulk_list"),
    path("courseware/bulk/new/", desk.bulk_new, name="bulk_new"),
    path("courseware/bulk/template/", desk.bulk_template, name="bulk_template"),
    path("courseware/bulk/<uuid:uid>/", desk.bulk, name="bulk"),
    path("courseware/bulk/<uuid:uid>/returned/", desk.bulk_returned, name="bulk_returned"),
    path("courseware/settings/", desk.courseware_settings, name="courseware_settings"),
    path("courseware/materials/", desk.material_list, name="material_list"),
    path("courseware/counts/", desk.count_list, name="count_list"),
    path("courseware/needs/", papers.need_list, name="need_list"),
    path("courseware/needs/gaps/", papers.need_gap_list, name="need_gap_list"),
    path("courseware/needs/new/", papers.need_new, name="need_new"),
    path("courseware/<uuid:uid>/captions/", content.item_captions, name="item_captions"),
    path("courseware/<uuid:uid>/retry/", content.item_retry, name="item_retry"),
    path("courseware/<uuid:uid>/submit/", content.item_submit, name="item_submit"),
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
for _page in urlpatterns:
    if _page.name not in HERE:
        _page.callback = made_above(_page.callback, line_down=LINE_DOWN, not_kept=NOT_KEPT)
