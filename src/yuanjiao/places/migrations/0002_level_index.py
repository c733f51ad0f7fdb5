"""The few counties and towns are found without reading every village."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("places", "0001_initial")]

    operations = [
        migrations.AddIndex(model_name="division", index=models.Index(fields=["level", "code"], name="division_level")),
    ]
