"""Reasons are kept whole; acts of who helps and of what is right on the spot."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('items', '0003_grams'),
    ]

    operations = [
        migrations.AlterField(
            model_name='itemstep',
            name='act',
            field=models.CharField(blank=True, choices=[("issue", '派单'), ("accept", '签收'), ("decline", '拒签'), ("start", '开始处理'), ("submit", '提交办结'), ("return", '退回返工'), ("verify", '核实通过'), ("close", '销号'), ("reopen", '重新打开'), ("extend", '延期'), ("amend", '变更要求'), ("edit", '修改草稿'), ("ask", '申请变更'), ("refuse", '不同意变更'), ("phase", '完成阶段'), ("cancel", '撤销'), ("support", '确定配合单位'), ("settle", '当场整改销号')], default='', max_length=8, verbose_name='动作'),
        ),
        migrations.AlterField(
            model_name='itemstep',
            name='reason',
            field=models.CharField(blank=True, default='', max_length=1000, verbose_name='说明'),
        ),
    ]
