from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "yuanjiao.places"
    verbose_name = "区划与单位"
