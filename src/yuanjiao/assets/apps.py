from django.apps import AppConfig


class AssetsConfig(AppConfig):
    name = "yuanjiao.assets"
    verbose_name = "设备资产"
