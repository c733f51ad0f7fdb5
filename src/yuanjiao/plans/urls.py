"""Pages of plans."""

from django.urls import path

from yuanjiao.plans.views import building, outlets, sharing

app_name = "plans"
urlpatterns = [
    path("", building.plan_list, name="plan_list"),
    path("new/", building.plan_new, name="plan_new"),
    path("coverage/", building.coverage_list, name="coverage_list"),
    path("coverage/new/", building.coverage_new, name="coverage_new"),
    path("upgrades/", building.upgrade_list, name="upgrade_list"),
    path("upgrades/new/", building.upgrade_new, name="upgrade_new"),
    path("upgrades/<uuid:uid>/", building.upgrade, name="upgrade"),
    path("renewals/", building.renewal_list, name="renewal_list"),
    path("outlets/", outlets.outlet_list, name="outlet_list"),
    path("outlets/new/", outlets.outlet_new, name="outlet_new"),
    path("outlets/points/", outlets.outlet_points, name="outlet_points"),
    path("outlets/minimum/", outlets.outlet_minimum, name="outlet_minimum"),
    path("outlets/<str:code>/", outlets.outlet, name="outlet"),
    path("facilities/", sharing.facility_list, name="facility_list"),
    path("facilities/new/", sharing.facility_new, name="facility_new"),
    path("facilities/<uuid:uid>/return/", sharing.facility_return, name="facility_return"),
    path("shares/", sharing.share_list, name="share_list"),
    path("shares/<str:code>/", sharing.share, name="share"),
    path("notes/", sharing.note_list, name="note_list"),
    path("notes/new/", sharing.note_new, name="note_new"),
    path("notes/<uuid:uid>/", sharing.note, name="note"),
]
