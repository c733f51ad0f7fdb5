"""The two bounds of a rate are measures of their own."""

from django.db import migrations, models

import yuanjiao.reports.rules


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]
    operations = [
        migrations.AlterField(
            model_name="figure",
            name="measure",
            field=models.CharField("算法", max_length=16, choices=[(one, one) for one in yuanjiao.reports.rules.Measure]),
        )
    ]
