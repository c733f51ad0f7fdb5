"""What leave was given for is named in its words: what was changed since may be asked for anew."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('burden', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='approval',
            name='burden_approval_once',
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.UniqueConstraint(condition=models.Q(('granted', None), ('granted', True), _connector='OR'), fields=('subject', 'what', 'unit_code', 'month'), name='burden_approval_once'),
        ),
    ]
