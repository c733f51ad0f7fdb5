from django.apps import AppConfig


class ProgrammesConfig(AppConfig):
    name = "yuanjiao.programmes"
    verbose_name = "节目编排"
