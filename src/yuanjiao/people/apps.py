from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "yuanjiao.people"
    verbose_name = "人员"
