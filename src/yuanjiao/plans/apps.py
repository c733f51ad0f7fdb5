from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "yuanjiao.plans"
    verbose_name = "建设计划"
