from django.apps import AppConfig


class SurveysConfig(AppConfig):
    name = "yuanjiao.surveys"
    verbose_name = "百村调查"
