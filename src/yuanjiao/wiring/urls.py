"""Routes of every room under its own prefix. Machine doors that bypass Django are in wiring/intake.py."""

from __future__ import annotations

from django.urls import include, path

from yuanjiao.ui.panels import set_beside
from yuanjiao.wiring import health, metrics, openapi, pulse
from yuanjiao.wiring.panels import PANELS

set_beside(PANELS)

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/openapi.json", openapi.openapi, name="openapi"),
    path("events", pulse.events, name="events"),
    path("", include("yuanjiao.flow.urls")),
    path("", include("yuanjiao.desks.urls")),
    path("account/", include("yuanjiao.people.urls")),
    path("network/", include("yuanjiao.network.urls")),
    path("register/", include("yuanjiao.register.urls")),
    path("plans/", include("yuanjiao.plans.urls")),
    path("", include("yuanjiao.courseware.urls")),
    path("learning/", include("yuanjiao.learning.urls")),
    path("", include("yuanjiao.programmes.urls")),
    path("", include("yuanjiao.production.urls")),
    path("reports/", include("yuanjiao.reports.urls")),
    path("duties/", include("yuanjiao.duties.urls")),
    path("surveys/", include("yuanjiao.surveys.urls")),
    path("burden/", include("yuanjiao.burden.urls")),
    path("items/", include("yuanjiao.items.urls")),
    path("faults/", include("yuanjiao.faults.urls")),
]
handler404 = "yuanjiao.ui.views.not_found"
handler500 = "yuanjiao.ui.views.broken"
handler403 = "yuanjiao.ui.views.forbidden"
