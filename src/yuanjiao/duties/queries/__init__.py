"""What other rooms may read of duties."""

from yuanjiao.duties.queries.answers import Answers, answers_on, place_on, place_tenures
from yuanjiao.duties.queries.asking import asked
from yuanjiao.duties.queries.drawing import open_things
from yuanjiao.duties.queries.sheets import lines_of, sheet_seen_by, sheets_of_person, sheets_seen_by, waiting_for
from yuanjiao.duties.queries.vacancies import coming_vacancies, county_vacancies, vacancies_at, villages_without_manager

__all__ = [
    "Answers",
    "answers_on",
    "asked",
    "coming_vacancies",
    "county_vacancies",
    "lines_of",
    "open_things",
    "place_on",
    "place_tenures",
    "sheet_seen_by",
    "sheets_of_person",
    "sheets_seen_by",
    "vacancies_at",
    "villages_without_manager",
    "waiting_for",
]
