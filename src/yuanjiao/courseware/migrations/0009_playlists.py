"""The playlists of an item travel as one blob."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courseware", "0008_need_topics"),
    ]

    operations = [
        migrations.AddField(
            model_name="courseware",
            name="playlists",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="播放清单文件"),
        ),
        migrations.AddField(
            model_name="courseware",
            name="playlists_bytes",
            field=models.PositiveIntegerField(default=0, verbose_name="播放清单文件大小（字节）"),
        ),
    ]
