"""A city has its month's report too."""

from django.db import migrations, models

import yuanjiao.reports.rules


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_bounds")]
    operations = [
        migrations.AlterField(
            model_name="document",
            name="kind",
            field=models.CharField(
                "文种",
                max_length=16,
                choices=[
                    (yuanjiao.reports.rules.DocumentKind["COUNTY_MONTH"], "县级月报"),
                    (yuanjiao.reports.rules.DocumentKind["CITY_MONTH"], "市级月报"),
                ],
            ),
        )
    ]
