"""Pictures people send: turned upright, made smaller, written anew, so that nothing else that was in the file goes on."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from yuanjiao.courseware.packaging.probe import NotUsable

if TYPE_CHECKING:
    from PIL import Image

LARGEST_BYTES = 40_000_000
MOST_PIXELS = 120_000_000
LONG_SIDE = 1600
JPEG_QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")


def cleaned(content: bytes) -> tuple[bytes, int, int]:
    """The picture as a JPEG with its width and height. NotUsable, with the reason, for what is no picture.

    A phone writes into the file where it stood when the picture was taken: the new file does not hold it.
    """
    from PIL import Image, UnidentifiedImageError  # where it is needed: the server of pages rarely looks at one

    if not content:
        raise NotUsable("图片是空的（0 字节），请重新选择")
    if len(content) > LARGEST_BYTES:
        raise NotUsable(f"图片有 {len(content) / 1e6:.0f} MB，超过 {LARGEST_BYTES // 1_000_000} MB")
    if b"<svg" in content[:4096].lower():
        raise NotUsable("这是矢量图（SVG），里面可以藏程序，请另存为 PNG 或 JPG 后上传")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                return _written_anew(picture)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise NotUsable("图片读不出来：不是 JPG、PNG 等图片，或文件不完整") from None


def _written_anew(picture: Image.Image) -> tuple[bytes, int, int]:
    from PIL import Image, ImageOps

    width, height = picture.size
    if width * height > MOST_PIXELS or min(width, height) < 16:
        raise NotUsable(f"图片尺寸 {width}×{height} 不能处理")
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LONG_SIDE, LONG_SIDE))
    shown = Image.new("RGB", upright.size, "white")  # what is transparent is white, as on paper
    coloured = upright.convert("RGBA")
    shown.paste(coloured, mask=coloured.getchannel("A"))
    target = BytesIO()
    shown.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target.getvalue(), shown.width, shown.height
