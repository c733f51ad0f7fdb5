"""Routes of production: staff pages under /production/, certificates for everybody under /certificates/."""

from django.urls import path

from yuanjiao.production.views import contests, plans

app_name = "production"
urlpatterns = [
    path("production/plans/", plans.plan_list, name="plan_list"),
    path("production/plans/new/", plans.plan_new, name="plan_new"),
    path("production/plans/<uuid:uid>/lines/", plans.plan_lines, name="plan_lines"),
    path("production/contests/", contests.contest_list, name="contest_list"),
    path("production/contests/new/", contests.contest_new, name="contest_new"),
    path("production/contests/<uuid:uid>/", contests.contest, name="contest"),
    path("production/contests/<uuid:uid>/<slug:what>/", contests.contest_act, name="contest_act"),
    path("production/entries/<uuid:uid>/sheet/", contests.sheet, name="sheet"),
    path("production/certificates/", plans.certificate_list, name="certificate_list"),
    path("production/certificates/new/", plans.certificate_new, name="certificate_new"),
    path("production/certificates/<str:number>/revoke/", plans.certificate_revoke, name="certificate_revoke"),
    path("certificates/", plans.verify, name="verify"),
    path("certificates/<str:number>/", plans.certificate, name="certificate_number"),
    path("certificates/<str:number>/<str:code>/", plans.certificate, name="certificate"),
]
