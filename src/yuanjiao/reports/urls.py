"""Pages of reports."""

from django.urls import path

from yuanjiao.reports import views

app_name = "reports"
urlpatterns = [
    path("", views.report_list, name="report_list"),
    path("draft/", views.draft, name="draft"),
    path("<uuid:uid>/", views.document, name="document"),
    path("<uuid:uid>/refresh/", views.refresh, name="refresh"),
    path("<uuid:uid>/files/<slug:media>/", views.download, name="download"),
    path("<uuid:uid>/figures/<slug:key>/", views.figure, name="figure"),
]
