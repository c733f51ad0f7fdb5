"""Live programmes: what is announced goes down, their signals stay where they are taken in."""

import django.db.models.deletion
import yuanjiao.lib.uid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0003_subtree_index'),
        ('programmes', '0004_arrivals'),
    ]

    operations = [
        migrations.CreateModel(
            name='LiveProgramme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=yuanjiao.lib.uid.new_uid, editable=False, unique=True)),
                ('title', models.CharField(max_length=40, verbose_name='直播名称')),
                ('lead', models.CharField(blank=True, default='', max_length=300, verbose_name='简介')),
                ('audience', models.CharField(default='/', max_length=80, verbose_name='面向范围')),
                ('starts_at', models.DateTimeField(verbose_name='开始时间')),
                ('ends_at', models.DateTimeField(verbose_name='结束时间')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='实际结束时间')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='取消时间')),
                ('column_uid', models.UUIDField(blank=True, null=True, verbose_name='录像拟编入的栏目')),
                ('item_uid', models.UUIDField(blank=True, null=True, verbose_name='录像课件')),
                ('address', models.CharField(blank=True, default='', max_length=200, verbose_name='播出网址')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='live_programmes', to='places.orgunit', verbose_name='主办单位')),
            ],
            options={
                'verbose_name': '现场直播',
            },
        ),
        migrations.CreateModel(
            name='LiveSignal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address_sealed', models.BinaryField(default=bytes, verbose_name='信号地址（加密）')),
                ('host', models.CharField(blank=True, default='', max_length=120, verbose_name='信号主机')),
                ('state', models.CharField(choices=[('waiting', '等待开始'), ('opening', '正在接收信号'), ('on_air', '正在直播'), ('lost', '信号中断，正在恢复'), ('full', '磁盘已满，直播停止'), ('over', '已结束')], default='waiting', max_length=8, verbose_name='状态')),
                ('words', models.CharField(blank=True, default='', max_length=200, verbose_name='说明')),
                ('runs', models.PositiveIntegerField(default=0, verbose_name='接收次数')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='连续失败次数')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='下次接收')),
                ('runner', models.UUIDField(blank=True, null=True, verbose_name='接收进程')),
                ('runner_until', models.DateTimeField(blank=True, null=True, verbose_name='接收进程有效期')),
                ('recorder_uid', models.UUIDField(blank=True, null=True, verbose_name='录像制作人')),
                ('recording', models.CharField(choices=[('none', '不录像'), ('wanted', '结束后成为课件'), ('stopped', '磁盘不足，录像提前停止'), ('taken', '已成课件'), ('failed', '没有成为课件')], default='none', max_length=8, verbose_name='录像')),
                ('recording_words', models.CharField(blank=True, default='', max_length=300, verbose_name='录像说明')),
                ('last_run', models.PositiveIntegerField(blank=True, null=True, verbose_name='录像止于第几次接收')),
                ('last_segment', models.PositiveIntegerField(blank=True, null=True, verbose_name='录像止于第几段')),
                ('cleared', models.BooleanField(default=False, verbose_name='分段已清除')),
                ('programme', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='signal', to='programmes.liveprogramme', verbose_name='直播')),
            ],
            options={
                'verbose_name': '直播信号',
            },
        ),
        migrations.AddIndex(
            model_name='liveprogramme',
            index=models.Index(fields=['ends_at'], name='live_programme_ends'),
        ),
        migrations.AddConstraint(
            model_name='liveprogramme',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='live_times_in_order'),
        ),
        migrations.AddIndex(
            model_name='livesignal',
            index=models.Index(condition=models.Q(('cleared', False)), fields=['cleared'], name='live_signal_open'),
        ),
    ]
