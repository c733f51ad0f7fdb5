from django.apps import AppConfig


class SimulationConfig(AppConfig):
    name = "yuanjiao.simulation"
    verbose_name = "模拟"
