"""Spans stand by the hour of their beginning, and no index holds their end: a span is ended in its row alone. What an object is now
stands by the object's own number."""

import django.db.models.deletion
from django.db import migrations, models

from yuanjiao.network.models.hours import HourOf
from yuanjiao.network.models.liveness import ObjectKey


FULL_PERCENT = 60
"""Of a page that new rows may fill: a server writes a row anew when it changes, and touches no index if there is room beside it."""


def leave_room(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        schema_editor.execute(f'ALTER TABLE network_statechange SET (fillfactor = {FULL_PERCENT})')


class Migration(migrations.Migration):

    dependencies = [('network', '0010_steady_marks')]

    operations = [
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name='statechange', name='state_overlap'),
        migrations.RemoveIndex(model_name='statechange', name='state_open'),
        migrations.AddIndex(model_name='statechange', index=models.Index(HourOf('at'), name='state_began')),
        migrations.AlterField(
            model_name='liveness',
            name='object',
            field=ObjectKey(
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name='liveness',
                serialize=False,
                to='network.managedobject',
            ),
        ),
    ]
