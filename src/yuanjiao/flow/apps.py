from django.apps import AppConfig


class FlowConfig(AppConfig):
    name = "yuanjiao.flow"
    verbose_name = "两条管道"

    def ready(self) -> None:
        from yuanjiao.flow.wire import parents_time
        from yuanjiao.lib import clock

        clock.put_right_by(parents_time.civil_ahead_s)
