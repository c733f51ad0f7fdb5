from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("network", "0004_outage_holds")]
    operations = [
        migrations.AddField(
            model_name="dayrollup", name="seen_change", field=models.BigIntegerField(default=0, verbose_name="已计入的状态变化")
        ),
        migrations.AddField(
            model_name="dayrollup", name="seen_test", field=models.BigIntegerField(default=0, verbose_name="已计入的播放测试")
        ),
    ]
