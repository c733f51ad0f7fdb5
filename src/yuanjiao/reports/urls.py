"""Pages of reports."""

from django.urls import path

from yuanjiao.reports.views import circulars, documents, lists, notices, weeks

app_name = "reports"
urlpatterns = [
    path("", lists.report_list, name="report_list"),
    path("draft/", lists.draft, name="draft"),
    path("services/", lists.service_list, name="service_list"),
    path("weeks/", weeks.week_list, name="week_list"),
    path("weeks/settings/", weeks.week_settings, name="week_settings"),
    path("circulars/", circulars.circular_list, name="circular_list"),
    path("notices/", notices.notice_list, name="notice_list"),
    path("notices/<uuid:uid>/", notices.notice, name="notice"),
    path("notices/<uuid:uid>/<slug:key>/", notices.notice_rows, name="notice_rows"),
    path("<uuid:uid>/", documents.document, name="document"),
    path("<uuid:uid>/refresh/", documents.refresh, name="refresh"),
    path("<uuid:uid>/ask/", circulars.ask, name="ask"),
    path("<uuid:uid>/give-back/", circulars.give_back, name="give_back"),
    path("<uuid:uid>/approve/", circulars.approve, name="approve"),
    path("<uuid:uid>/files/<slug:media>/", documents.download, name="download"),
    path("<uuid:uid>/figures/<slug:key>/", documents.figure, name="figure"),
]
