"""Pages of items."""

from django.urls import path

from yuanjiao.items.views import items, lists
from yuanjiao.people.access import made_above

app_name = "items"
urlpatterns = [
    path("", lists.item_list, name="item_list"),
    path("stuck/", lists.stuck, name="stuck"),
    path("new/", made_above(items.item_new), name="item_new"),
    path("<str:code>/", made_above(items.item), name="item"),
]
