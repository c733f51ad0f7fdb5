"""Pages of learning, and the television's two."""

from django.urls import path

from yuanjiao.learning.views import distribution, letters, plans, record, required, sessions, television, use

app_name = "learning"
urlpatterns = [
    path("plans/", plans.plan_list, name="plan_list"),
    path("plans/new/", plans.plan_new, name="plan_new"),
    path("plans/<uuid:uid>/", plans.plan, name="plan"),
    path("plans/<uuid:uid>/end/", plans.plan_end, name="plan_end"),
    path("distributions/", distribution.distribution_list, name="distribution_list"),
    path("distributions/new/", distribution.distribution_new, name="distribution_new"),
    path("distributions/<uuid:uid>/", distribution.distribution, name="distribution"),
    path("distributions/lines/<int:pk>/", distribution.distribution_line, name="distribution_line"),
    path("letters/", letters.letter_list, name="letter_list"),
    path("letters/new/", letters.letter_new, name="letter_new"),
    path("letters/<uuid:uid>/", letters.letter, name="letter"),
    path("letters/<uuid:uid>/print/", letters.letter_print, name="letter_print"),
    path("letters/<uuid:uid>/end/", letters.letter_end, name="letter_end"),
    path("required/", required.required_list, name="required_list"),
    path("required/new/", required.required_new, name="required_new"),
    path("required/<uuid:uid>/", required.required, name="required"),
    path("required/<uuid:uid>/end/", required.required_end, name="required_end"),
    path("sessions/", sessions.session_list, name="session_list"),
    path("sessions/<uuid:uid>/", sessions.session, name="session"),
    path("sessions/<uuid:uid>/correct/", sessions.session_correct, name="session_correct"),
    path("record/", record.record, name="record"),
    path("use/", use.use, name="use"),
    path("zero-use/", use.zero_use, name="zero_use"),
    path("tv/", television.tv_record, name="tv_record"),
    path("tv/done/<uuid:uid>/", television.tv_done, name="tv_done"),
]
