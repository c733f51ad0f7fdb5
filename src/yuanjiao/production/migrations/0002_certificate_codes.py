"""Certificates that were issued before codes get one each; what is printed of them needs printing anew."""

import secrets

from django.db import migrations, models

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def give_codes(apps, schema_editor):
    certificates = apps.get_model("production", "Certificate")
    for pk in certificates.objects.filter(code="").values_list("pk", flat=True):
        certificates.objects.filter(pk=pk).update(code="".join(secrets.choice(LETTERS) for _ in range(8)))


class Migration(migrations.Migration):
    dependencies = [("production", "0001_initial")]

    operations = [
        migrations.AddField("certificate", "code", models.CharField("查验码", default="", max_length=8), preserve_default=False),
        migrations.RunPython(give_codes, migrations.RunPython.noop, elidable=True),
    ]
