"""Books and documents in copies per unit."""

import django.db.models.deletion
import yuanjiao.lib.uid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("places", "0003_subtree_index"),
        ("production", "0002_certificate_codes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Handout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=yuanjiao.lib.uid.new_uid, editable=False, unique=True)),
                ("kind", models.CharField(choices=[("book", "读本"), ("document", "文件")], max_length=8, verbose_name="种类")),
                ("title", models.CharField(max_length=100, verbose_name="名称")),
                ("edition", models.CharField(max_length=60, verbose_name="版次或文号")),
                ("issued_on", models.DateField(verbose_name="印发日期")),
                ("item_uid", models.UUIDField(blank=True, null=True, verbose_name="电子版课件")),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="handouts", to="places.orgunit", verbose_name="印发单位"
                    ),
                ),
            ],
            options={
                "verbose_name": "印发",
            },
        ),
        migrations.CreateModel(
            name="HandoutNeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "form",
                    models.CharField(
                        choices=[("paper", "纸质"), ("pdf", "PDF"), ("epub", "EPUB")], default="paper", max_length=5, verbose_name="形式"
                    ),
                ),
                ("copies", models.PositiveIntegerField(verbose_name="需要（份）")),
                (
                    "handout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="needs", to="production.handout", verbose_name="印发"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="handout_needs", to="places.orgunit", verbose_name="单位"
                    ),
                ),
            ],
            options={
                "verbose_name": "需要数",
                "ordering": ["unit__code", "form"],
            },
        ),
        migrations.CreateModel(
            name="HandoutDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField(verbose_name="送达日期")),
                ("copies", models.IntegerField(verbose_name="送达（份）")),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="production.handoutneed",
                        verbose_name="需要数",
                    ),
                ),
            ],
            options={
                "verbose_name": "送达",
                "ordering": ["on", "pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="handout",
            constraint=models.UniqueConstraint(fields=("unit", "title", "edition"), name="handout_once"),
        ),
        migrations.AddConstraint(
            model_name="handoutneed",
            constraint=models.UniqueConstraint(fields=("handout", "unit", "form"), name="handout_need_once"),
        ),
    ]
