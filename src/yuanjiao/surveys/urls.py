"""Pages of surveys."""

from django.urls import path

from yuanjiao.people.access import made_above
from yuanjiao.surveys.views import phone, surveys

app_name = "surveys"
urlpatterns = [
    path("", made_above(surveys.survey_list), name="survey_list"),
    path("new/", made_above(surveys.survey_new), name="survey_new"),
    path("visits/", made_above(phone.my_visits), name="my_visits"),
    path("visits/kept/", made_above(phone.send_kept), name="send_kept"),
    path("visits/worker.js", phone.worker, name="my_visits_worker"),
    path("visits/<uuid:uid>/", made_above(phone.visit), name="visit"),
    path("<uuid:uid>/", made_above(surveys.survey), name="survey"),
    path("<uuid:uid>/visits/", made_above(surveys.visit_list), name="visit_list"),
    path("<uuid:uid>/frame/", made_above(surveys.frame_list), name="frame_list"),
]
