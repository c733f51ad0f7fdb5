"""What other rooms may change of people: one at a time, or many at once from the register's spreadsheet."""

from yuanjiao.people.commands.many import (
    PersonEntry,
    change_membership_start,
    correct_person,
    enter_people,
    follow_division,
    issue_password,
    open_accounts,
    remove_people,
    restore_person,
    write_audits,
)
from yuanjiao.people.commands.single import (
    add_person,
    appoint,
    choose_password,
    open_account,
    write_audit,
)
from yuanjiao.people.commands.tenure import correct_responsibility, end_responsibility, make_responsible

__all__ = [
    "PersonEntry",
    "add_person",
    "appoint",
    "change_membership_start",
    "choose_password",
    "correct_person",
    "correct_responsibility",
    "end_responsibility",
    "enter_people",
    "follow_division",
    "issue_password",
    "make_responsible",
    "open_account",
    "open_accounts",
    "remove_people",
    "restore_person",
    "write_audit",
    "write_audits",
]
