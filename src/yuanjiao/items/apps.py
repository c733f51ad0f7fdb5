from django.apps import AppConfig


class ItemsConfig(AppConfig):
    name = "yuanjiao.items"
    verbose_name = "事项"
