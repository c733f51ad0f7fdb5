from django.apps import AppConfig


class LearningConfig(AppConfig):
    name = "yuanjiao.learning"
    verbose_name = "学习"
