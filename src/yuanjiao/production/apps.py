from django.apps import AppConfig


class ProductionConfig(AppConfig):
    name = "yuanjiao.production"
    verbose_name = "课件生产"
