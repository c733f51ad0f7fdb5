"""Three short real films for the demo, made with ffmpeg at set-up: a moving test picture, a melody, captions in WebVTT."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from yuanjiao.lib.errors import Unavailable

SECONDS = 24


@dataclass(frozen=True)
class Film:
    """One film: what it is called, what the picture is, which notes sound, and what the captions say."""

    stem: str
    title: str
    summary: str
    item_class: str
    picture: str
    notes: tuple[int, ...]
    captions: tuple[str, ...]


FILMS = (
    Film(
        "pig-raising",
        "春季生猪养殖与防疫要点",
        "圈舍消毒、保温通风、免疫程序三件事，一讲就会。适合散养户和养殖合作社集中观看。",
        "service",
        "testsrc2=size=1280x720:rate=25",
        (262, 330, 392, 523),
        (
            "圈舍每周消毒一次，先清扫后喷洒。",
            "仔猪保温，先堵风口，再加垫草。",
            "免疫按程序走，打针要记台账。",
            "发现异常，先隔离，再报兽医站。",
        ),
    ),
    Film(
        "study-day",
        "怎样过好学习日：从打开电视到记录人数",
        "站点管理员十分钟上手：开机、选课、播放、填人数，断网也能记。",
        "education",
        "gradients=size=1280x720:rate=25:n=5:speed=0.03:c0=0xB3261E:c1=0xFFD9A0:c2=0x22303E:c3=0x4AA3FF:c4=0xF0E6C8",
        (294, 370, 440, 587),
        (
            "提前半小时开机，检查画面和声音。",
            "在栏目里选好今天的课件。",
            "看完以后，用遥控器填到场人数。",
            "网络断了也不要紧，恢复后自动补报。",
        ),
    ),
    Film(
        "maize",
        "玉米播种与田间管理",
        "选种、整地、播期、追肥，按节气安排。老机顶盒、新机顶盒、手机和大喇叭都能播。",
        "service",
        "life=size=320x180:rate=25:mold=10:ratio=0.12:death_color=#C83232:life_color=#F0E6C8,scale=1280:720:flags=neighbor",
        (330, 392, 494, 659),
        ("选种看积温，不贪晚熟。", "墒情合适再下种，深浅要一致。", "大喇叭口期追肥，小雨前后最好。", "收获前看乳线，籽粒硬了再掰棒。"),
    ),
)


def make_film(film: Film, folder: Path, *, seconds: int = SECONDS) -> tuple[Path, Path]:
    """Write the film (H.264 and AAC in MP4) and its captions into `folder`, unless they are there; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    target, captions = folder / f"{film.stem}.mp4", folder / f"{film.stem}.vtt"
    if not captions.exists():
        captions.write_text(webvtt(film.captions, seconds))
    if not target.exists():
        part = target.with_suffix(".part.mp4")
        _encode(film, part, seconds)
        part.rename(target)
    return target, captions


def _encode(film: Film, target: Path, seconds: int) -> None:
    beats = "+".join(f"0.2*sin(2*PI*{note}*t)*gt(mod(t,4),{index})*lt(mod(t,4),{index + 1})" for index, note in enumerate(film.notes))
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y",
        "-f", "lavfi", "-i", film.picture,
        "-f", "lavfi", "-i", f"aevalsrc='{beats}':s=48000:c=mono",
        "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", "-crf", "27", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", str(target),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"示例影片 {film.stem} 没有做成：{done.stderr[-300:]}")


def webvtt(lines: tuple[str, ...], seconds: int) -> str:
    """Captions that share the playing time evenly."""
    step = seconds / len(lines)
    cues = [f"{stamp(number * step)} --> {stamp((number + 1) * step - 0.1)}\n{line}\n" for number, line in enumerate(lines)]
    return "WEBVTT\n\n" + "\n".join(cues)


def stamp(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"00:{int(minutes):02}:{rest:06.3f}"
