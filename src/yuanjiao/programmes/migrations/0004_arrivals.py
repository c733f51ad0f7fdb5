"""Releases followed to every machine below; what machines had told before is their first step."""

import django.db.models.deletion
from django.db import migrations, models


def keep_what_was_told(apps, schema_editor):
    """The newest catalogue each machine told before this: older steps were not kept."""
    steps = apps.get_model("programmes", "CatalogueStep").objects
    for row in apps.get_model("programmes", "CatalogueTaken").objects.all():
        steps.get_or_create(origin=row.origin, version=row.version, defaults={"taken_at": row.taken_at})


class Migration(migrations.Migration):

    dependencies = [
        ('programmes', '0003_outlets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('item_uid', models.UUIDField(verbose_name='课件')),
                ('title', models.CharField(max_length=200, verbose_name='课件名称')),
                ('path', models.CharField(max_length=200, verbose_name='制作单位的区划路径')),
                ('released_at', models.DateTimeField(db_index=True, verbose_name='发布时间')),
                ('over', models.BooleanField(default=False, verbose_name='已不再发布')),
            ],
            options={
                'verbose_name': '下发',
                'constraints': [models.UniqueConstraint(fields=('item_uid', 'released_at'), name='arrival_once')],
            },
        ),
        migrations.CreateModel(
            name='CatalogueStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.UUIDField(verbose_name='节点')),
                ('version', models.BigIntegerField(verbose_name='目录版本')),
                ('taken_at', models.DateTimeField(verbose_name='启用时刻（该机器的钟）')),
            ],
            options={
                'verbose_name': '目录启用',
                'constraints': [models.UniqueConstraint(fields=('origin', 'version'), name='catalogue_step_once')],
            },
        ),
        migrations.CreateModel(
            name='ArrivalVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=200, verbose_name='范围')),
                ('version', models.BigIntegerField(verbose_name='目录版本')),
                ('arrival', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='programmes.arrival')),
            ],
            options={
                'verbose_name': '下发目录',
                'constraints': [models.UniqueConstraint(fields=('arrival', 'scope'), name='arrival_version_once')],
            },
        ),
        migrations.RunPython(keep_what_was_told, migrations.RunPython.noop),
    ]
