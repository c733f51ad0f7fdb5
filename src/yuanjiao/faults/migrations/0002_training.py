"""Trainings, beside which operating errors are compared."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("faults", "0001_initial"), ("places", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Training",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField(verbose_name="培训日期")),
                ("topic", models.CharField(max_length=100, verbose_name="内容")),
                (
                    "division",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="trainings", to="places.division", verbose_name="地区"
                    ),
                ),
            ],
            options={"verbose_name": "培训", "ordering": ["-on", "division__code"]},
        ),
        migrations.AddConstraint(
            model_name="training", constraint=models.UniqueConstraint(fields=("division", "on"), name="training_once_per_day")
        ),
    ]
