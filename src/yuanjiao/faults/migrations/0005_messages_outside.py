"""Addresses outside, and the queue of what a person let go there."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('faults', '0004_urging_due_at'),
        ('places', '0003_subtree_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='MessageChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=50, unique=True, verbose_name='名称')),
                ('kind', models.CharField(max_length=10, verbose_name='方式')),
                ('address_sealed', models.BinaryField(verbose_name='地址（密文）')),
                ('ending', models.CharField(blank=True, default='', max_length=4, verbose_name='地址尾号')),
                ('sheets', models.BooleanField(default=False, verbose_name='送催办单')),
                ('digest', models.BooleanField(default=False, verbose_name='送每日摘要')),
                ('active', models.BooleanField(default=False, verbose_name='启用')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='message_channels', to='places.orgunit', verbose_name='单位')),
            ],
            options={
                'verbose_name': '消息通道',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField(blank=True, null=True, verbose_name='摘要日期')),
                ('title', models.CharField(max_length=60, verbose_name='标题')),
                ('words', models.CharField(max_length=600, verbose_name='内容')),
                ('state', models.CharField(choices=[('waiting', '等待送出'), ('sent', '已送出'), ('failed', '没有送出'), ('dropped', '不再送')], default='waiting', max_length=8, verbose_name='结果')),
                ('queued_at', models.DateTimeField(verbose_name='排队时间')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='下次送出')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='已试次数')),
                ('tried_at', models.DateTimeField(blank=True, null=True, verbose_name='最近一次')),
                ('answer', models.CharField(blank=True, default='', max_length=200, verbose_name='答复')),
                ('urging', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='faults.urging', verbose_name='催办单')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='faults.messagechannel', verbose_name='通道')),
            ],
            options={
                'verbose_name': '外发消息',
                'ordering': ['-queued_at', '-pk'],
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at'], name='message_due'), models.Index(fields=['channel', 'tried_at'], name='message_tried')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'urging'), name='message_once_per_sheet'), models.UniqueConstraint(fields=('channel', 'on'), name='message_one_digest_a_day'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'waiting'), _negated=True), ('due_at__isnull', False), _connector='OR'), name='message_waiting_has_due')],
            },
        ),
    ]
