from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "yuanjiao.wiring"
    verbose_name = "接线"
