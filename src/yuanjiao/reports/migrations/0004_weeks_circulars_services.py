"""Documents of weeks, of branches and circulars beside the months; what a circular tells a unit and hears from it."""

import django.db.models.deletion
import yuanjiao.lib.uid
import yuanjiao.reports.rules
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0003_city_month'),
    ]

    operations = [
        migrations.RemoveConstraint('document', 'document_once_per_month'),
        migrations.RemoveConstraint('document', 'document_issued_has_moment'),
        migrations.RenameField('document', 'month', 'first_day'),
        migrations.CreateModel(
            name='DocumentHand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_uid', models.UUIDField(verbose_name='人员')),
            ],
            options={
                'verbose_name': '文书经手人',
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=yuanjiao.lib.uid.new_uid, editable=False, unique=True)),
                ('place_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('place_name', models.CharField(max_length=60, verbose_name='单位')),
                ('path', models.CharField(db_index=True, max_length=80, verbose_name='区划路径')),
                ('facts', models.TextField(verbose_name='涉及事实')),
                ('sent_at', models.DateTimeField(verbose_name='告知时间')),
                ('reply_until', models.DateTimeField(verbose_name='说明时限')),
                ('reply', models.TextField(blank=True, default='', verbose_name='说明')),
                ('replied_at', models.DateTimeField(blank=True, null=True, verbose_name='说明时间')),
                ('replied_by', models.CharField(blank=True, default='', max_length=50, verbose_name='说明人')),
                ('revision', models.PositiveIntegerField(default=1, verbose_name='修订号')),
            ],
            options={
                'verbose_name': '通报告知',
                'ordering': ['path'],
            },
        ),
        migrations.CreateModel(
            name='ReportDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=80, unique=True, verbose_name='区划路径')),
                ('weekday', models.PositiveSmallIntegerField(choices=[(0, '星期一'), (1, '星期二'), (2, '星期三'), (3, '星期四'), (4, '星期五'), (5, '星期六'), (6, '星期日')], default=4, verbose_name='星期')),
            ],
            options={
                'verbose_name': '周报日',
            },
        ),
        migrations.AlterField(
            model_name='document',
            name='first_day',
            field=models.DateField(verbose_name='起始日'),
        ),
        migrations.AlterField(
            model_name='document',
            name='kind',
            field=models.CharField(choices=[(yuanjiao.reports.rules.DocumentKind['COUNTY_MONTH'], '县级月报'), (yuanjiao.reports.rules.DocumentKind['CITY_MONTH'], '市级月报'), (yuanjiao.reports.rules.DocumentKind['COUNTY_WEEK'], '周报'), (yuanjiao.reports.rules.DocumentKind['WEEK_DIGEST'], '周报汇总'), (yuanjiao.reports.rules.DocumentKind['CIRCULAR'], '通报'), (yuanjiao.reports.rules.DocumentKind['BRANCH_MONTH'], '运维服务月报')], max_length=16, verbose_name='文种'),
        ),
        migrations.AlterField(
            model_name='document',
            name='place_code',
            field=models.CharField(max_length=30, verbose_name='区划代码或单位代码'),
        ),
        migrations.AlterField(
            model_name='document',
            name='state',
            field=models.CharField(choices=[(yuanjiao.reports.rules.DocumentState['DRAFT'], '草稿'), (yuanjiao.reports.rules.DocumentState['REPLYING'], '听取说明'), (yuanjiao.reports.rules.DocumentState['ISSUED'], '已报出')], default=yuanjiao.reports.rules.DocumentState['DRAFT'], max_length=8, verbose_name='状态'),
        ),
        migrations.AlterField(
            model_name='documentparagraph',
            name='key',
            field=models.CharField(max_length=40, verbose_name='段落'),
        ),
        migrations.AlterField(
            model_name='issuedfile',
            name='media',
            field=models.CharField(choices=[('docx', 'docx'), ('xlsx', 'xlsx'), ('pdf', 'pdf')], max_length=4, verbose_name='格式'),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.UniqueConstraint(fields=('kind', 'place_code', 'first_day'), name='document_once_per_span'),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('state', yuanjiao.reports.rules.DocumentState['ISSUED']), _negated=True), ('issued_at', None)), models.Q(('issued_at__isnull', False), ('state', yuanjiao.reports.rules.DocumentState['ISSUED'])), _connector='OR'), name='document_issued_has_moment'),
        ),
        migrations.AddField(
            model_name='documenthand',
            name='document',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hands', to='reports.document'),
        ),
        migrations.AddField(
            model_name='notice',
            name='document',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='reports.document', verbose_name='通报'),
        ),
        migrations.AddConstraint(
            model_name='documenthand',
            constraint=models.UniqueConstraint(fields=('document', 'person_uid'), name='hand_once_per_document'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('document', 'place_code'), name='notice_once_per_unit'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('replied_at', None), ('reply', '')), models.Q(models.Q(('reply', ''), _negated=True), ('replied_at__isnull', False)), _connector='OR'), name='notice_reply_has_moment'),
        ),
    ]
