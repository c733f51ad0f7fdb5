from django.apps import AppConfig


class DutiesConfig(AppConfig):
    name = "yuanjiao.duties"
    verbose_name = "责任与交接"
