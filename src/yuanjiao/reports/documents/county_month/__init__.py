"""The county's and the city's month-end report (县级月报、市级月报, RPT01): figures and wording."""

from yuanjiao.reports.documents.county_month.figures import SPECS, TOWN_HEADS, snapshot
from yuanjiao.reports.documents.county_month.wording import PARAGRAPHS, TEMPLATE_VERSION, official_of, title_of

__all__ = ["PARAGRAPHS", "SPECS", "TEMPLATE_VERSION", "TOWN_HEADS", "official_of", "snapshot", "title_of"]
