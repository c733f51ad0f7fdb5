"""Routes under /network/."""

from django.urls import path

from yuanjiao.network.views import behind, checks, comparison, edges, life, lines, maintenance, outages, probes, rates, rule, rulings, sites

app_name = "network"
urlpatterns = [
    path("sites/", sites.site_list, name="site_list"),
    path("sites/<str:code>/", sites.site, name="site"),
    path("edges/", edges.edge_list, name="edge_list"),
    path("edges/<str:code>/", edges.edge, name="edge"),
    path("edges/<str:code>/code/", edges.issue, name="edge_code"),
    path("checks/", checks.check_list, name="check_list"),
    path("lines/", lines.line_list, name="line_list"),
    path("lines/<str:code>/", lines.line, name="line"),
    path("outages/", outages.outage_list, name="outage_list"),
    path("outages/<uuid:uid>/", outages.outage, name="outage"),
    path("probes/", probes.probe_list, name="probe_list"),
    path("probes/new/", probes.probe_new, name="probe_new"),
    path("probes/<uuid:uid>/", probes.probe, name="probe"),
    path("probes/<uuid:uid>/stop/", probes.probe_stop, name="probe_stop"),
    path("maintenance/", maintenance.maintenance_list, name="maintenance_list"),
    path("maintenance/new/", maintenance.maintenance_new, name="maintenance_new"),
    path("maintenance/<uuid:uid>/", maintenance.maintenance, name="maintenance"),
    path("maintenance/<uuid:uid>/cancel/", maintenance.maintenance_cancel, name="maintenance_cancel"),
    path("objects/<str:code>/", life.service, name="service"),
    path("objects/<str:code>/turn/", life.service_turn, name="service_turn"),
    path("objects/<str:code>/rhythm/", life.service_rhythm, name="service_rhythm"),
    path("objects/<str:code>/move/", life.service_move, name="service_move"),
    path("objects/<str:code>/labels/", life.service_labels, name="service_labels"),
    path("suspended/", life.suspended, name="suspended"),
    path("rulings/", rulings.rulings, name="rulings"),
    path("rulings/target/", rulings.target_new, name="target_new"),
    path("rulings/rule/", rulings.rule_new, name="rule_new"),
    path("rule/", rule.rule, name="rule"),
    path("rates/", rates.rates, name="rates"),
    path("rates/sites/", behind.rate_sites, name="rate_sites"),
    path("comparison/", comparison.comparison, name="comparison"),
    path("coverage/", rates.coverage, name="coverage"),
]
