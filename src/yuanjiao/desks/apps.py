from django.apps import AppConfig


class DesksConfig(AppConfig):
    name = "yuanjiao.desks"
    verbose_name = "工作台"
