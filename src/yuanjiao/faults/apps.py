from django.apps import AppConfig


class FaultsConfig(AppConfig):
    name = "yuanjiao.faults"
    verbose_name = "故障"
