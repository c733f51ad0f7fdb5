"""Spans that are over and spans that last have an index each: what begins and ends in a storm is only added at the end of one."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('network', '0006_story_indexes')]

    operations = [
        migrations.RemoveIndex(model_name='statechange', name='state_overlap'),
        migrations.AddIndex(
            model_name='statechange',
            index=models.Index(condition=models.Q(('until__isnull', False)), fields=['until', 'at'], name='state_overlap'),
        ),
        migrations.AddIndex(
            model_name='statechange',
            index=models.Index(condition=models.Q(('until', None)), fields=['until'], name='state_open'),
        ),
    ]
