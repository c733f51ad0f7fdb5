"""Pure rules of the network."""

from yuanjiao.network.rules.rates import RULE, Rate, RateRule, SecondsBySite, SiteSpans, seconds_by_site
from yuanjiao.network.rules.register import DEPENDS_ON, full_pinyin, initials_of_pinyin, pinyin_initials

__all__ = [
    "DEPENDS_ON",
    "RULE",
    "Rate",
    "RateRule",
    "SecondsBySite",
    "SiteSpans",
    "full_pinyin",
    "initials_of_pinyin",
    "pinyin_initials",
    "seconds_by_site",
]
