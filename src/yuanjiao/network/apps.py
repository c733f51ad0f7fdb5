from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "yuanjiao.network"
    verbose_name = "网络"
