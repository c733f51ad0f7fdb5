"""Start pages by who sits there."""

from django.urls import path

from yuanjiao.desks.portal import offline, printing
from yuanjiao.desks.portal import programmes as portal_programmes
from yuanjiao.desks.portal import views as portal
from yuanjiao.desks.screen import views as screen
from yuanjiao.desks.staff import signs, software
from yuanjiao.desks.staff import views as staff
from yuanjiao.desks.status import views as status
from yuanjiao.desks.tv import programmes as tv_programmes
from yuanjiao.desks.tv import views as tv

noticed, noticed_tv = portal_programmes.noticed, tv_programmes.noticed
app_name = "desks"
urlpatterns = [
    path("", noticed(portal.home), name="portal_home"),
    path("items/<uuid:uid>/", noticed(portal.item), name="portal_item"),
    path("items/<uuid:uid>/qr.svg", portal.qr, name="portal_qr"),
    path("columns/<uuid:uid>/", noticed(portal.column), name="portal_column"),
    path("items/<uuid:uid>/poster.pdf", printing.item_poster, name="portal_item_poster"),
    path("columns/<uuid:uid>/poster.pdf", printing.column_poster, name="portal_column_poster"),
    path("sites/<str:code>/poster.pdf", printing.site_poster, name="portal_site_poster"),
    path("poster.pdf", printing.portal_poster, name="portal_poster"),
    path("search/", noticed(portal.search), name="portal_search"),
    path("offline/", offline.offline, name="portal_offline"),
    path("manifest.webmanifest", offline.manifest, name="portal_manifest"),
    path("worker.js", offline.worker, name="portal_worker"),
    path("reading/", portal.reading_settings, name="portal_settings"),
    path("reading/<int:px>/", portal.letters, name="portal_letters"),
    path("status/", status.status, name="portal_status"),
    path("tv/", noticed_tv(tv.home), name="tv_home"),
    path("tv/box/", tv.choose_box, name="tv_box"),
    path("tv/all/", noticed_tv(tv.all_items), name="tv_all"),
    path("tv/columns/<uuid:uid>/", noticed_tv(tv.column), name="tv_column"),
    path("tv/columns/<uuid:uid>/categories/", noticed_tv(tv.categories), name="tv_categories"),
    path("tv/items/<uuid:uid>/", noticed_tv(tv.item), name="tv_item"),
    path("tv/play/<uuid:uid>/", noticed_tv(tv.play), name="tv_play"),
    path("tv/read/<uuid:uid>/", noticed_tv(tv.read), name="tv_read"),
    path("themes/<uuid:uid>/", noticed(portal_programmes.theme), name="portal_theme"),
    path("channels/<uuid:uid>/", noticed(portal_programmes.channel), name="portal_channel"),
    path("lives/<uuid:uid>/", noticed(portal_programmes.live), name="portal_live"),
    path("tv/lives/", noticed_tv(tv_programmes.lives), name="tv_lives"),
    path("tv/lives/<uuid:uid>/", noticed_tv(tv_programmes.live), name="tv_live"),
    path("tv/channels/", noticed_tv(tv_programmes.channels), name="tv_channels"),
    path("tv/channels/<uuid:uid>/", noticed_tv(tv_programmes.channel), name="tv_channel"),
    path("tv/notices/<uuid:uid>/ok/", tv_programmes.notice_ok, name="tv_notice_ok"),
    path("desk/", staff.home, name="home"),
    path("desk/signs/", signs.signs, name="signs"),
    path("desk/audit/", staff.audit, name="audit"),
    path("desk/nodes/", staff.nodes, name="nodes"),
    path("desk/software/", software.software, name="software"),
    path("desk/waiting/", staff.waiting_list, name="waiting"),
    path("desk/waiting/retry/", staff.waiting_retry, name="waiting_retry"),
    path("desk/waiting/<uuid:node>/<int:seq>/", staff.waiting_entry, name="waiting_entry"),
    path("screen/", screen.screen, name="screen"),
    path("screen/ranking/", screen.ranking, name="ranking"),
]
