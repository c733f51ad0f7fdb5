# Segments in archive files, from where the rows of entries begin, and segments that tell another story

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('flow', '0002_wanted_blobs'),
    ]

    operations = [
        migrations.AddField(
            model_name='head',
            name='kept_from',
            field=models.BigIntegerField(default=1, verbose_name='库内起始序号'),
        ),
        migrations.AddField(
            model_name='head',
            name='kept_hash',
            field=models.BinaryField(default=bytes(32), max_length=32),
        ),
        migrations.AddField(
            model_name='node',
            name='renews',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='flow.node'),
        ),
        migrations.CreateModel(
            name='Archived',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_seq', models.BigIntegerField(verbose_name='起始序号')),
                ('last_seq', models.BigIntegerField(verbose_name='末尾序号')),
                ('tail', models.BinaryField(max_length=32)),
                ('file', models.CharField(max_length=60, verbose_name='存档文件')),
                ('offset', models.BigIntegerField(verbose_name='在文件中的位置（字节）')),
                ('size', models.PositiveIntegerField(verbose_name='大小（字节）')),
                ('received_at', models.DateTimeField(verbose_name='收到时刻（本机的钟）')),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='archived', to='flow.node')),
            ],
            options={
                'verbose_name': '已归档的日志段',
            },
        ),
        migrations.CreateModel(
            name='Fork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_seq', models.BigIntegerField(verbose_name='起始序号')),
                ('last_seq', models.BigIntegerField(verbose_name='末尾序号')),
                ('sha256', models.CharField(max_length=64, verbose_name='摘要')),
                ('sealed', models.BinaryField(verbose_name='封存字节')),
                ('heard_at', models.DateTimeField(verbose_name='收到时刻（本机的钟）')),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='forks', to='flow.node')),
                ('retold_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='flow.node')),
            ],
            options={
                'verbose_name': '分叉的日志段',
            },
        ),
        migrations.AddConstraint(
            model_name='fork',
            constraint=models.UniqueConstraint(fields=('origin', 'sha256'), name='fork_once_per_segment'),
        ),
        migrations.AddConstraint(
            model_name='archived',
            constraint=models.UniqueConstraint(fields=('origin', 'last_seq'), name='archived_once_per_end'),
        ),
    ]
