"""What sites were until a day. What a site was before this version nobody knows: its row speaks for all its days so far."""

import django.db.models.deletion
from django.db import migrations, models

import yuanjiao.lib.uid

KINDS = [('village', '行政村'), ('township', '乡镇'), ('enterprise', '企业'), ('community', '社区'), ('mobile', '流动党员集中地')]
MODES = [('broadband_stb', '宽带+机顶盒+电视'), ('satellite', '卫星'), ('cable', '有线电视'), ('pc', '电脑'), ('mobile', '手机')]


class Migration(migrations.Migration):

    dependencies = [('network', '0011_spans_by_their_beginning')]

    operations = [
        migrations.CreateModel(
            name='FormerLabels',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=yuanjiao.lib.uid.new_uid, editable=False, unique=True)),
                ('until', models.DateField(verbose_name='至')),
                ('site_kind', models.CharField(choices=KINDS, max_length=10, verbose_name='站点类型')),
                ('access_mode', models.CharField(choices=MODES, max_length=14, verbose_name='接入方式')),
                ('programmes', models.CharField(blank=True, default='', max_length=100, verbose_name='所属项目')),
                (
                    'site',
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name='former_labels',
                        to='network.site',
                        verbose_name='站点',
                    ),
                ),
            ],
            options={
                'verbose_name': '曾登记的类型',
                'indexes': [models.Index(fields=['until'], name='former_labels_since')],
                'constraints': [models.UniqueConstraint(fields=('site', 'until'), name='former_labels_once_per_day')],
            },
        ),
    ]
