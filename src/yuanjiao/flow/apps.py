from django.apps import AppConfig


class FlowConfig(AppConfig):
    name = "yuanjiao.flow"
    verbose_name = "两条管道"
