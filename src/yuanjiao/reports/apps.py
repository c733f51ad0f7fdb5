from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "yuanjiao.reports"
    verbose_name = "报表文书"
