"""Needs have a topic, so that what is missing is told by topic and county."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courseware", "0007_told_misses"),
    ]

    operations = [
        migrations.AddField(
            model_name="need",
            name="topic",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="needs",
                to="courseware.topic",
                verbose_name="主题",
            ),
        ),
    ]
