"""Pages of the burden meter."""

from django.urls import path

from yuanjiao.burden.views import approvals, loads
from yuanjiao.people.access import made_above

app_name = "burden"
urlpatterns = [
    path("", made_above(loads.overview), name="overview"),
    path("mine/", made_above(loads.mine), name="mine"),
    path("units/<str:code>/", made_above(loads.unit), name="unit"),
    path("caps/", made_above(approvals.cap_list), name="cap_list"),
    path("approvals/", made_above(approvals.approval_list), name="approval_list"),
    path("approvals/new/", made_above(approvals.approval_new), name="approval_new"),
    path("approvals/<uuid:uid>/", made_above(approvals.approval), name="approval"),
]
