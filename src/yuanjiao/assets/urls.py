"""Pages about equipment beside the register's list. Its papers have their home at the top: below, each page leads there."""

from django.urls import path

from yuanjiao.assets.views import assets, lists
from yuanjiao.people.access import made_above

app_name = "assets"
urlpatterns = [
    path("ageing/", made_above(lists.ageing), name="ageing"),
    path("replacement/", made_above(lists.replacement_list), name="replacement_list"),
    path("stock/", made_above(lists.stock_list), name="stock_list"),
    path("stock/least/", made_above(lists.least_new), name="least_new"),
    path("warranties/", made_above(lists.warranty_list), name="warranty_list"),
    path("issues/", made_above(lists.issue_list), name="issue_list"),
    path("lives/", made_above(lists.life_list), name="life_list"),
    path("lives/new/", made_above(lists.life_new), name="life_new"),
    path("book/", made_above(lists.book), name="book"),
    path("new/", made_above(assets.asset_new), name="asset_new"),
    path("<uuid:uid>/", made_above(assets.asset), name="asset"),
    path("<uuid:uid>/move/", made_above(assets.asset_move), name="asset_move"),
    path("<uuid:uid>/issue/", made_above(assets.asset_issue), name="asset_issue"),
    path("<uuid:uid>/return/", made_above(assets.asset_return), name="asset_return"),
    path("<uuid:uid>/act/", made_above(assets.asset_act), name="asset_act"),
]
