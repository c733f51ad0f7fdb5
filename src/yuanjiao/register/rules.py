"""Pure rules of the register: how a cell somebody typed becomes a value, or a reason why it cannot.

Full-width letters and digits are made narrow where they carry a code or a number; names keep their own punctuation and
every rare character. A number standing where a code belongs is refused unless nothing can have been lost.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from yuanjiao.lib.clock import CHINA
from yuanjiao.lib.money import to_fen

CLEAR = "清空"
"""What a person writes in an optional cell to empty it; a blank cell changes nothing."""
YES, NO = "是", "否"
YES_WORDS = frozenset({YES, "y", "yes", "1", "true", "√", "✓"})
NO_WORDS = frozenset({NO, "n", "no", "0", "false", "×"})
SAMPLE = "示例"
EARLIEST, LATEST = date(1949, 10, 1), date(2099, 12, 31)

_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_MOMENT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?[ T]\s*(\d{1,2})[:时](\d{2})(?:[:分](\d{2})(?:\.\d+)?秒?)?分?"
)
_DAY_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_PHONE = re.compile(r"\+?\d[\d\- ()]{4,24}\d")
_ERROR_VALUES = frozenset({"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_SERIAL_ZERO = date(1899, 12, 30)


class BadCell(ValueError):
    """Why a cell cannot be taken; the message is shown beside the row."""


def plain_text(value: object) -> str:
    """A cell as text: outer blanks (full-width ones too), invisible and control characters gone, line ends as one newline."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    text = str(value)
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _INVISIBLE.sub("", text)).strip()


def name_text(value: object) -> str:
    """A name or remark. Refuses what a spreadsheet prints for a broken formula."""
    text = plain_text(value)
    if text in _ERROR_VALUES:
        raise BadCell(f"公式结果是错误值 {text}")
    return text


def narrow(text: str) -> str:
    """Full-width letters, digits and signs as narrow ones, all blanks removed: ９９０１　０１ → 990101."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return "".join(folded.split()).lstrip("'‘’")


def code_text(value: object) -> str:
    """A free code. A number is refused: its leading zeros may be gone and nobody could tell."""
    text = narrow(name_text(value))
    if _SCIENTIFIC.fullmatch(text):
        raise BadCell(f"编号 {text} 已变成科学计数法，末尾数字已丢失；请把该列设为文本格式后重新填写")
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise BadCell(f"编号 {text} 是数字格式，前面的 0 可能已丢失；请把该列设为文本格式后重新填写")
    return text


def division_code(value: object) -> str:
    """A 12-digit division code; a number of exactly 12 digits has lost nothing and is taken."""
    text = narrow(name_text(value))
    if _SCIENTIFIC.fullmatch(text):
        raise BadCell(f"区划代码 {text} 已变成科学计数法，末尾数字已丢失；请把该列设为文本格式后重新填写")
    if not re.fullmatch(r"[0-9]{12}", text):
        lost = "（单元格是数字格式，可能丢了前面的 0）" if isinstance(value, int | float) else f"，现为 {len(text)} 位"
        raise BadCell(f"区划代码应为 12 位数字：{text}{lost}")
    return text


def choice(value: object, names: dict[str, str], title: str) -> str:
    """The key behind a word of a dictionary; the key itself and '220 村庄' for '220' are taken too."""
    text = narrow(name_text(value))
    by_name = _keys_by_name(tuple(names.items()))
    first = text[:3]
    found = by_name.get(text) or (text if text in names else None) or (first if first.isdigit() and first in names else None)
    if found is None:
        raise BadCell(f"{title}“{text}”不在可选项内：{'、'.join(names.values())}")
    return found


@lru_cache
def _keys_by_name(names: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {narrow(label): key for key, label in names}


def yes_no(value: object) -> bool:
    text = narrow(name_text(value)).lower()
    if text in YES_WORDS:
        return True
    if text in NO_WORDS:
        return False
    raise BadCell(f"应填“是”或“否”：{text}")


def whole_number(value: object, *, most: int) -> int:
    text = narrow(name_text(value)).replace(",", "")
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 0 < int(text) <= most:
        raise BadCell(f"应为 1 到 {most} 的整数：{text}")
    return int(text)


def yuan(value: object) -> int:
    """An amount of yuan with at most two decimals, as fen: 1,280.50 → 128050. A sheet's binary fraction is taken as it was typed."""
    text = narrow(f"{value:.2f}" if isinstance(value, float) else name_text(value)).replace(",", "").removesuffix("元")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", text):
        raise BadCell(f"应为金额（元），最多两位小数：{text}")
    return to_fen(Decimal(text))


def day(value: object) -> date:
    """A day, whether the sheet holds a date, its serial number, or one of the ways people write a date."""
    if isinstance(value, datetime):
        return _sensible(value.date())
    if isinstance(value, date):
        return _sensible(value)
    text = unicodedata.normalize("NFKC", name_text(value)).strip()
    if text.isdigit() and len(text) == 5:
        return _sensible(_SERIAL_ZERO + timedelta(days=int(text)))
    found = _DAY.fullmatch(text) or _DAY_DIGITS.fullmatch(text)
    if not found:
        raise BadCell(f"日期看不懂：{text}；请写成 2026-01-31")
    try:
        return _sensible(date(*map(int, found.groups()[:3])))
    except ValueError as error:
        raise error if isinstance(error, BadCell) else BadCell(f"没有这一天：{text}") from None


def moment(value: object) -> datetime:
    """A moment in China, aware: a date-time cell, or text such as 2026-03-02 15:30:05. A day without a time of day is not enough."""
    if isinstance(value, datetime):
        found = value
    else:
        text = unicodedata.normalize("NFKC", name_text(value)).strip()
        parts = _MOMENT.fullmatch(text)
        if not parts:
            raise BadCell(f"时间看不懂：{text}；请写成 2026-01-31 15:30")
        try:
            found = datetime(*(int(part or 0) for part in parts.groups()))  # type: ignore[arg-type]  # noqa: DTZ001  China's below
        except ValueError:
            raise BadCell(f"没有这个时间：{text}") from None
    _sensible(found.date())
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


ONLINE = frozenset({"在线", "上线", "正常", "online", "up", *YES_WORDS})
OFFLINE = frozenset({"离线", "下线", "不在线", "掉线", "offline", "down", *NO_WORDS})


def is_online(value: object) -> bool:
    """Whether an operator's list calls a box online."""
    text = narrow(name_text(value)).lower()
    if text in ONLINE:
        return True
    if text in OFFLINE:
        return False
    raise BadCell(f"应填“在线”或“离线”：{text}")


def _sensible(value: date) -> date:
    if not EARLIEST <= value <= LATEST:
        raise BadCell(f"日期 {value:%Y-%m-%d} 不合常理")
    return value


def phone(value: object) -> str:
    """A telephone number as written; `138****1234` from our own export passes as a mask."""
    text = unicodedata.normalize("NFKC", name_text(value)).strip()
    if is_mask(text):
        return text
    if _SCIENTIFIC.fullmatch(text):
        raise BadCell(f"电话 {text} 已变成科学计数法；请把该列设为文本格式后重新填写")
    if not _PHONE.fullmatch(text):
        raise BadCell(f"电话号码不对：{text}")
    if isinstance(value, int | float) and not (len(text) == 11 and text.startswith("1")):
        raise BadCell(f"电话 {text} 是数字格式，区号前的 0 可能已丢失；请把该列设为文本格式后重新填写")
    return text


def is_mask(text: str) -> bool:
    """Whether a telephone number is one of our masked ones: nothing can be dialled from it."""
    return bool(re.fullmatch(r"(\d{3})?\*{4}(\d{4})?", text))
