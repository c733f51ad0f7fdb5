"""Why an outage is not told, and by what sign it was found."""

from typing import Any

from django.db import migrations, models


def name_reasons(apps: Any, schema_editor: Any) -> None:
    apps.get_model("network", "Outage").objects.filter(held=True).update(held_for="evidence")


class Migration(migrations.Migration):
    dependencies = [("network", "0003_placements")]

    operations = [
        migrations.AlterField("outage", "held", models.BooleanField(default=False, verbose_name="未告知")),
        migrations.AddField(
            "outage",
            "held_for",
            models.CharField(
                blank=True,
                choices=[("evidence", "待上级证据"), ("unstable", "时断时续，已作为一件事处理"), ("maintenance", "检修期内")],
                default="",
                max_length=11,
                verbose_name="未告知原因",
            ),
        ),
        migrations.AddField(
            "outage",
            "sign",
            models.CharField(
                choices=[("silence", "无心跳"), ("play", "有心跳而不能播放")], default="silence", max_length=7, verbose_name="迹象"
            ),
        ),
        migrations.RunPython(name_reasons, migrations.RunPython.noop),
    ]
