from django.apps import AppConfig


class FundsConfig(AppConfig):
    name = "yuanjiao.funds"
    verbose_name = "经费"
