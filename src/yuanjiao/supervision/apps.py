from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    name = "yuanjiao.supervision"
    verbose_name = "专项行动"
