"""Where a withdrawn item was made, so that each subtree follows what concerns it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("programmes", "0001_initial")]

    operations = [
        migrations.AddField("departure", "path", models.CharField(default="/", max_length=200, verbose_name="制作单位的区划路径")),
    ]
