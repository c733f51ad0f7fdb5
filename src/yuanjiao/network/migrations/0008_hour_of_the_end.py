"""Spans that are over stand by the hour of their end: a storm adds to the index at a few places, not on every page of it."""

from django.db import migrations, models

from yuanjiao.network.models.hours import HourOf


class Migration(migrations.Migration):

    dependencies = [('network', '0007_open_spans')]

    operations = [
        migrations.RemoveIndex(model_name='statechange', name='state_overlap'),
        migrations.AddIndex(
            model_name='statechange',
            index=models.Index(HourOf('until'), 'at', condition=models.Q(('until__isnull', False)), name='state_overlap'),
        ),
    ]
