"""A mark says how long the machine had been on, so that a clock that was set while the process was off is noticed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('network', '0009_register_edits')]

    operations = [
        migrations.AddField(
            model_name='listeningmark',
            name='steady_s',
            field=models.FloatField(blank=True, null=True, verbose_name='开机后秒数'),
        ),
        migrations.AddField(
            model_name='listeningmark',
            name='boot',
            field=models.CharField(blank=True, default='', max_length=36, verbose_name='开机标识'),
        ),
    ]
