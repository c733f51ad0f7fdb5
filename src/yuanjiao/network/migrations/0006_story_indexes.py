"""Fewer indexes where a storm writes 700,000 rows: one finds an object's story and tells a repeated entry, and only the dark are listed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('network', '0005_rollup_reach')]

    operations = [
        migrations.RemoveConstraint(model_name='statechange', name='state_change_once_per_entry'),
        migrations.RemoveIndex(model_name='statechange', name='state_story'),
        migrations.AlterField(
            model_name='statechange',
            name='object',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name='state_changes',
                to='network.managedobject',
                verbose_name='对象',
            ),
        ),
        migrations.AddConstraint(
            model_name='statechange',
            constraint=models.UniqueConstraint(fields=('object', 'at', 'observer', 'seq'), name='state_change_once_per_entry'),
        ),
        migrations.RemoveIndex(model_name='liveness', name='liveness_dark'),
        migrations.AddIndex(
            model_name='liveness',
            index=models.Index(condition=models.Q(('state', 'down')), fields=['since'], name='liveness_dark'),
        ),
    ]
