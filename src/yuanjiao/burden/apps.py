from django.apps import AppConfig


class BurdenConfig(AppConfig):
    name = "yuanjiao.burden"
    verbose_name = "基层负担"
