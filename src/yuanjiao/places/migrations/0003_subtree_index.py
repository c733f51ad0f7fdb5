"""PostgreSQL finds what begins with a path by its index under every collation; on SQLite the index stays as it was."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("places", "0002_level_index")]

    operations = [
        migrations.RemoveIndex(model_name="division", name="division_subtree"),
        migrations.AddIndex(
            model_name="division",
            index=models.Index(fields=["path"], name="division_below", opclasses=["varchar_pattern_ops"]),
        ),
    ]
