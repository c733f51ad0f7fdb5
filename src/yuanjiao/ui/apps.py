from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "yuanjiao.ui"
    verbose_name = "界面"
