from django.apps import AppConfig


class CoursewareConfig(AppConfig):
    name = "yuanjiao.courseware"
    verbose_name = "课件"
