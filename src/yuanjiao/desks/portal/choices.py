"""The forms of one item a phone may choose from, each with its size before it is played (DLV09).

`std` is the plain MP4 that needs no script; where the script can stream, it plays the same choice as HLS and names it 自动.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from yuanjiao.courseware.queries import ItemDetail, RenditionCard
from yuanjiao.desks import faces


@dataclass(frozen=True)
class Choice:
    """One button under the player. `needs_script` is true for a form that only HLS can play."""

    key: str
    name: str
    url: str
    mime: str
    size_bytes: int
    width: int = 0
    height: int = 0
    sound_only: bool = False
    needs_script: bool = False


def choices(item: ItemDetail) -> tuple[Choice, ...]:
    """What can be played here and now, heaviest first; empty when no file has been packaged or fetched yet."""
    found = (_low(item), _plain(item, "std", _("标清"), faces.BOX), _plain(item, "hd", _("高清"), faces.BOX_HD), _sound(item))
    return tuple(choice for choice in found if choice)


def chosen(offered: tuple[Choice, ...], wanted: str, *, saving: bool) -> Choice | None:
    """The choice asked for by its key; otherwise the smallest picture for those who save, and the plain one for the rest."""
    by_key = {choice.key: choice for choice in offered}
    order = (wanted, "low", "std", "hd", "audio") if saving else (wanted, "std", "hd", "low", "audio")
    return next((by_key[key] for key in order if key in by_key), None)


def to_keep(offered: tuple[Choice, ...], playing: Choice | None) -> Choice | None:
    """What a device keeps for times without a network: what plays now, or the smallest picture that is one file."""
    if playing is None or not playing.needs_script:
        return playing
    files = [choice for choice in offered if not choice.needs_script and not choice.sound_only]
    return min(files, key=lambda choice: choice.size_bytes, default=None)


def _plain(item: ItemDetail, key: str, name: str, profile: str) -> Choice | None:
    found = item.rendition(profile)
    return _of(found, key, name) if found else None


def _low(item: ItemDetail) -> Choice | None:
    """The smallest picture: its own MP4 where there is one, else the lowest rung of the ladder with the sound that goes with it."""
    plain = item.rendition(faces.PHONE_LOW)
    if plain:
        return _of(plain, "low", _("省流量"))
    rungs = [one for one in item.renditions if one.hls and one.kind == "video"]
    fallback = item.rendition(faces.BOX)
    if not rungs or not fallback:
        return None
    lowest = min(rungs, key=lambda one: one.size_bytes)
    sound = next((one.size_bytes for one in item.renditions if one.hls and one.kind == "audio"), 0)
    total = lowest.size_bytes + sound
    return Choice("low", _("省流量"), _url(fallback), fallback.media_type, total, lowest.width, lowest.height, needs_script=True)


def _sound(item: ItemDetail) -> Choice | None:
    found = item.rendition(faces.SOUND)
    if not found:
        return None
    return Choice("audio", _("只听声音"), _url(found), found.media_type, found.size_bytes, sound_only=True)


def _of(found: RenditionCard, key: str, name: str) -> Choice:
    return Choice(key, name, _url(found), found.media_type, found.size_bytes, found.width, found.height)


def _url(found: RenditionCard) -> str:
    return faces.blob_url(found.blob, found.media_type)
