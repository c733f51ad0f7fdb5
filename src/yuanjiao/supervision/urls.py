"""Pages of campaigns. They lead up from a machine below, but for the census: managers confirm where they work."""

from django.urls import path

from yuanjiao.people.access import made_above
from yuanjiao.supervision.views import campaigns, census, draws, inspectors, lists, phone, plans, problems

app_name = "supervision"
urlpatterns = [
    path("", made_above(campaigns.campaign_list), name="campaign_list"),
    path("new/", made_above(campaigns.campaign_new), name="campaign_new"),
    path("census/", census.census, name="census"),
    path("mine/", made_above(phone.my_visits), name="my_visits"),
    path("mine/kept/", made_above(phone.send_visits), name="send_visits"),
    path("mine/worker.js", phone.visits_worker, name="visits_worker"),
    path("visits/<uuid:uid>/", made_above(phone.visit), name="visit"),
    path("draws/<uuid:uid>/", made_above(draws.draw), name="draw"),
    path("draws/<uuid:uid>/frame.txt", made_above(draws.draw_frame), name="draw_frame"),
    path("rechecks/<uuid:uid>/", made_above(problems.recheck), name="recheck"),
    path("problems/<str:code>/", made_above(problems.problem), name="problem"),
    path("plans/<int:pk>/", made_above(plans.plan), name="plan"),
    path("<uuid:uid>/", made_above(campaigns.campaign), name="campaign"),
    path("<uuid:uid>/objects/", made_above(lists.object_list), name="object_list"),
    path("<uuid:uid>/objects/<str:code>/", made_above(phone.visit_add), name="visit_add"),
    path("<uuid:uid>/problems/", made_above(problems.problem_list), name="problem_list"),
    path("<uuid:uid>/visits/", made_above(lists.visit_list), name="visit_list"),
    path("<uuid:uid>/days/", made_above(lists.day_list), name="day_list"),
    path("<uuid:uid>/plans/", made_above(plans.plan_list), name="plan_list"),
    path("<uuid:uid>/inspectors/", made_above(inspectors.inspector_list), name="inspector_list"),
    path("<uuid:uid>/draws/", made_above(draws.draw_list), name="draw_list"),
]
