"""Start pages by who sits there."""

from django.urls import path

from yuanjiao.desks.portal import views as portal
from yuanjiao.desks.screen import views as screen
from yuanjiao.desks.staff import signs
from yuanjiao.desks.staff import views as staff
from yuanjiao.desks.tv import views as tv

app_name = "desks"
urlpatterns = [
    path("", portal.home, name="portal_home"),
    path("items/<uuid:uid>/", portal.item, name="portal_item"),
    path("items/<uuid:uid>/qr.svg", portal.qr, name="portal_qr"),
    path("columns/<uuid:uid>/", portal.column, name="portal_column"),
    path("search/", portal.search, name="portal_search"),
    path("reading/", portal.reading_settings, name="portal_settings"),
    path("reading/<int:px>/", portal.letters, name="portal_letters"),
    path("tv/", tv.home, name="tv_home"),
    path("tv/box/", tv.choose_box, name="tv_box"),
    path("tv/all/", tv.all_items, name="tv_all"),
    path("tv/columns/<uuid:uid>/", tv.column, name="tv_column"),
    path("tv/items/<uuid:uid>/", tv.item, name="tv_item"),
    path("tv/play/<uuid:uid>/", tv.play, name="tv_play"),
    path("desk/", staff.home, name="home"),
    path("desk/signs/", signs.signs, name="signs"),
    path("desk/audit/", staff.audit, name="audit"),
    path("desk/nodes/", staff.nodes, name="nodes"),
    path("screen/", screen.screen, name="screen"),
    path("screen/ranking/", screen.ranking, name="ranking"),
]
