from django.urls import path

from yuanjiao.duties.views import handovers, places, vacancies
from yuanjiao.people.access import made_above

app_name = "duties"
urlpatterns = [
    path("", places.place_list, name="place_list"),
    path("place/<str:code>/", places.place, name="place"),
    path("place/<str:code>/new/", made_above(places.duty_new), name="duty_new"),
    path("vacancies/", vacancies.vacancy_list, name="vacancy_list"),
    path("handovers/", handovers.handover_list, name="handover_list"),
    path("handovers/new/<uuid:uid>/", made_above(handovers.handover_new), name="handover_new"),
    path("handovers/<uuid:uid>/", made_above(handovers.handover), name="handover"),
    path("handovers/<uuid:uid>/sheet.docx", handovers.handover_file, name="handover_file"),
]
