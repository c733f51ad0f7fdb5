"""Words looked for in vain are told upwards in sums of days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courseware", "0006_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="searchmiss",
            name="told",
            field=models.BooleanField(default=False, verbose_name="已上报"),
        ),
        migrations.CreateModel(
            name="SearchMissCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.UUIDField(verbose_name="节点")),
                ("day", models.DateField(verbose_name="日期")),
                ("path", models.CharField(max_length=200, verbose_name="区划路径")),
                ("words", models.CharField(max_length=20, verbose_name="搜索词")),
                ("count", models.PositiveIntegerField(verbose_name="次数")),
            ],
            options={
                "verbose_name": "下级没有找到的词",
                "indexes": [models.Index(fields=["day"], name="search_miss_told_day")],
                "constraints": [models.UniqueConstraint(fields=("origin", "day", "words"), name="search_miss_told_once")],
            },
        ),
    ]
