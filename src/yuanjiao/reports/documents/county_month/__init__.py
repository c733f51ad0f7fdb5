"""The county's month-end report (县级月报, RPT01): frozen rows, figures over them, wording, sheets."""

from yuanjiao.reports.documents.county_month.figures import SPECS, TOWN_HEADS, figures_of
from yuanjiao.reports.documents.county_month.sheets import register_sheets
from yuanjiao.reports.documents.county_month.tables import TABLES, TableHead, freeze_rows
from yuanjiao.reports.documents.county_month.wording import PARAGRAPHS, TEMPLATE_VERSION, official_of

__all__ = [
    "PARAGRAPHS",
    "SPECS",
    "TABLES",
    "TEMPLATE_VERSION",
    "TOWN_HEADS",
    "TableHead",
    "figures_of",
    "freeze_rows",
    "official_of",
    "register_sheets",
]
