from django.apps import AppConfig


class RegisterConfig(AppConfig):
    name = "yuanjiao.register"
    verbose_name = "台账"
