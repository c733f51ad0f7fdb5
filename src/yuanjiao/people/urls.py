from django.urls import path

from yuanjiao.people import views

app_name = "people"
urlpatterns = [
    path("login/", views.log_in, name="log_in"),
    path("logout/", views.log_out, name="log_out"),
    path("password/", views.change_password, name="change_password"),
]
