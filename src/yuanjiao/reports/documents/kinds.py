"""Every kind of document this house writes."""

from __future__ import annotations

from yuanjiao.reports.documents import branch_month, circular, county_month, county_week, week_digest
from yuanjiao.reports.documents.base import Kind
from yuanjiao.reports.documents.tables import MONTH_TABLES
from yuanjiao.reports.models import Document
from yuanjiao.reports.rules import DocumentKind

_MONTH = Kind(
    county_month.TEMPLATE_VERSION,
    county_month.PARAGRAPHS,
    MONTH_TABLES,
    county_month.snapshot,
    county_month.official_of,
    county_month.title_of,
)
KINDS: dict[DocumentKind, Kind] = {
    DocumentKind.COUNTY_MONTH: _MONTH,
    DocumentKind.CITY_MONTH: _MONTH,
    DocumentKind.COUNTY_WEEK: Kind(
        county_week.VERSION, county_week.PARAGRAPHS, MONTH_TABLES, county_week.snapshot, county_week.official_of, county_week.title_of
    ),
    DocumentKind.WEEK_DIGEST: Kind(
        week_digest.VERSION,
        week_digest.PARAGRAPHS,
        ("filings", "told"),
        week_digest.snapshot,
        week_digest.official_of,
        week_digest.title_of,
        "领导小组办公室",
    ),
    DocumentKind.CIRCULAR: Kind(
        circular.VERSION,
        circular.PARAGRAPHS,
        ("sites", "detected", "judged", "filings"),
        circular.snapshot,
        circular.official_of,
        circular.title_of,
        "各县（市、区）委组织部",
    ),
    DocumentKind.BRANCH_MONTH: Kind(
        branch_month.VERSION,
        branch_month.PARAGRAPHS,
        ("orders", "judged", "reopened", "replaced"),
        branch_month.snapshot,
        branch_month.official_of,
        branch_month.title_of,
    ),
}


def kind_of(document: Document) -> Kind:
    return KINDS[DocumentKind(document.kind)]
