"""Routes of programmes: staff pages under /programmes/, live playlists and guides under /live/, sums under /plays/."""

from django.urls import path

from yuanjiao.programmes.views import arrivals, bulletin, channels, notices, outlets, reach, themes

app_name = "programmes"
urlpatterns = [
    path("programmes/themes/", themes.theme_list, name="theme_list"),
    path("programmes/themes/new/", themes.theme_new, name="theme_new"),
    path("programmes/themes/<uuid:uid>/", themes.theme, name="theme"),
    path("programmes/notices/", notices.notice_list, name="notice_list"),
    path("programmes/notices/new/", notices.notice_new, name="notice_new"),
    path("programmes/notices/<uuid:uid>/", notices.notice, name="notice"),
    path("programmes/notices/<uuid:uid>/recall/", notices.notice_recall, name="notice_recall"),
    path("programmes/notices/<uuid:uid>/confirm/", notices.notice_confirm, name="notice_confirm"),
    path("programmes/channels/", channels.channel_list, name="channel_list"),
    path("programmes/channels/new/", channels.channel_new, name="channel_new"),
    path("programmes/channels/<uuid:uid>/", channels.channel, name="channel"),
    path("programmes/channels/<uuid:uid>/act/", channels.channel_act, name="channel_act"),
    path("programmes/channels/<uuid:uid>/package.zip", channels.channel_package, name="channel_package"),
    path("programmes/publications/", outlets.publication_list, name="publication_list"),
    path("programmes/publications/new/", outlets.publication_new, name="publication_new"),
    path("programmes/publications/<uuid:uid>/", outlets.publication, name="publication"),
    path("programmes/publications/<uuid:uid>/act/", outlets.publication_act, name="publication_act"),
    path("programmes/bulletin/", bulletin.bulletin, name="bulletin"),
    path("programmes/outlets/", outlets.outlet_list, name="outlet_list"),
    path("programmes/outlets/new/", outlets.outlet_new, name="outlet_new"),
    path("programmes/outlets/<uuid:uid>/end/", outlets.outlet_end, name="outlet_end"),
    path("programmes/arrivals/", arrivals.arrival_list, name="arrival_list"),
    path("programmes/arrivals/<uuid:uid>/", arrivals.arrival, name="arrival"),
    path("programmes/departures/", reach.departure_list, name="departure_list"),
    path("programmes/departures/<int:pk>/", reach.departure, name="departure"),
    path("programmes/use/", reach.use_list, name="use_list"),
    path("programmes/use/<uuid:uid>/", reach.use, name="use"),
    path("live/<uuid:uid>/guide.xml", channels.guide, name="guide"),
    path("live/<uuid:uid>/master.m3u8", channels.live_master, name="live_master"),
    path("live/<uuid:uid>/<slug:profile>.m3u8", channels.live_media, name="live_media"),
    path("plays/<uuid:uid>/<slug:what>/", reach.play_count, name="play_count"),
]
