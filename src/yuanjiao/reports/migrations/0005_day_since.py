"""Since when weekly reports fall due on their day of the week."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0004_weeks_circulars_services'),
    ]

    operations = [
        migrations.AddField(
            model_name='reportday',
            name='since',
            field=models.DateField(blank=True, null=True, verbose_name='起始日'),
        ),
    ]
