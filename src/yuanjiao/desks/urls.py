"""Start pages by who sits there."""

from django.urls import path

from yuanjiao.desks.portal import views as portal
from yuanjiao.desks.staff import views as staff

app_name = "desks"
urlpatterns = [
    path("", portal.home, name="portal_home"),
    path("desk/", staff.home, name="home"),
]
