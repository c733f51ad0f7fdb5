"""Writes of reports: draft with a frozen snapshot, write the paragraphs, issue; a circular is asked, answered and approved."""

from yuanjiao.reports.commands.circulars import answer_notice, approve_circular, ask_units, return_circular
from yuanjiao.reports.commands.drafting import (
    draft_branch_month,
    draft_city_month,
    draft_county_month,
    draft_of,
    refresh_draft,
    write_paragraphs,
)
from yuanjiao.reports.commands.issuing import file_name, file_of, issue_document, official, render_docx, render_pdf, render_xlsx
from yuanjiao.reports.commands.settings import set_report_day

__all__ = [
    "answer_notice",
    "approve_circular",
    "ask_units",
    "draft_branch_month",
    "draft_city_month",
    "draft_county_month",
    "draft_of",
    "file_name",
    "file_of",
    "issue_document",
    "official",
    "refresh_draft",
    "render_docx",
    "render_pdf",
    "render_xlsx",
    "return_circular",
    "set_report_day",
    "write_paragraphs",
]
