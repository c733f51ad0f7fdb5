"""Roles, permissions and scope as pure values: who may do what, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from yuanjiao.lib.errors import Forbidden, NotFound


class Role(StrEnum):
    """Roles a membership gives. A learner needs none: public content asks for no log-in."""

    CITY_ADMIN = "city_admin"
    COUNTY_OFFICER = "county_officer"
    ENGINEER = "engineer"
    HOTLINE_CLERK = "hotline_clerk"
    SITE_MANAGER = "site_manager"
    PRODUCER = "producer"
    REVIEWER = "reviewer"
    LEADER = "leader"
    AUDITOR = "auditor"
    LEARNER = "learner"


class Permission(StrEnum):
    """What a door asks for."""

    SEE_NETWORK = "see_network"
    SEE_PEOPLE = "see_people"
    KEEP_DUTIES = "keep_duties"
    IMPORT_REGISTER = "import_register"
    PLAN_BUILDING = "plan_building"
    EXPORT_REGISTER = "export_register"
    MANAGE_ASSETS = "manage_assets"
    SEE_FUNDS = "see_funds"
    KEEP_FUNDS = "keep_funds"
    APPROVE_FUNDS = "approve_funds"
    PLAN_MAINTENANCE = "plan_maintenance"
    ENROL_NODES = "enrol_nodes"
    SEE_FLOW = "see_flow"
    FILE_FAULT = "file_fault"
    ANSWER_HOTLINE = "answer_hotline"
    DISPATCH_ORDER = "dispatch_order"
    WORK_ORDER = "work_order"
    VERIFY_ORDER = "verify_order"
    SEE_ORDERS = "see_orders"
    SEE_ITEMS = "see_items"
    ISSUE_ITEM = "issue_item"
    DO_ITEM = "do_item"
    OPEN_CAMPAIGN = "open_campaign"
    PRODUCE_COURSEWARE = "produce_courseware"
    REVIEW_COURSEWARE = "review_courseware"
    MANAGE_COLUMNS = "manage_columns"
    SEND_STORY = "send_story"
    PLAN_LEARNING = "plan_learning"
    RECORD_SESSION = "record_session"
    SEE_LEARNING = "see_learning"
    SEE_REPORTS = "see_reports"
    WRITE_REPORTS = "write_reports"
    MAKE_SURVEY = "make_survey"
    VISIT_VILLAGE = "visit_village"
    LIMIT_BURDEN = "limit_burden"
    APPROVE_BURDEN = "approve_burden"
    APPROVE_CIRCULARS = "approve_circulars"
    SEE_SCREEN = "see_screen"
    SEE_AUDIT = "see_audit"


P = Permission
READING = frozenset(
    {P.SEE_NETWORK, P.SEE_PEOPLE, P.EXPORT_REGISTER, P.SEE_ORDERS, P.SEE_ITEMS, P.SEE_LEARNING, P.SEE_REPORTS, P.SEE_SCREEN} | {P.SEE_FUNDS}
)
MONEY = frozenset({P.MANAGE_ASSETS, P.KEEP_FUNDS, P.APPROVE_FUNDS})
"""Who keeps a division's money may propose and approve, but never both of one payment: the ledger asks for two persons."""
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CITY_ADMIN: READING
    | MONEY
    | {P.IMPORT_REGISTER, P.ENROL_NODES, P.SEE_FLOW, P.FILE_FAULT, P.DISPATCH_ORDER, P.VERIFY_ORDER, P.MANAGE_COLUMNS, P.PLAN_LEARNING}
    | {P.WRITE_REPORTS, P.PLAN_MAINTENANCE, P.PLAN_BUILDING, P.KEEP_DUTIES, P.ISSUE_ITEM, P.OPEN_CAMPAIGN}
    | {P.MAKE_SURVEY, P.VISIT_VILLAGE, P.LIMIT_BURDEN, P.APPROVE_BURDEN},
    Role.COUNTY_OFFICER: READING
    | MONEY
    | {P.PLAN_MAINTENANCE, P.FILE_FAULT, P.PLAN_BUILDING, P.VERIFY_ORDER, P.PLAN_LEARNING, P.RECORD_SESSION, P.WRITE_REPORTS, P.SEND_STORY}
    | {P.ISSUE_ITEM, P.DO_ITEM, P.VISIT_VILLAGE}
    | {P.MANAGE_COLUMNS, P.KEEP_DUTIES},  # a county runs its own columns (DLV05) and its own people (GOV33)
    Role.ENGINEER: frozenset({P.SEE_NETWORK, P.SEE_ORDERS, P.WORK_ORDER, P.SEE_ITEMS, P.DO_ITEM}),
    Role.HOTLINE_CLERK: frozenset({P.SEE_NETWORK, P.SEE_ORDERS, P.FILE_FAULT, P.ANSWER_HOTLINE, P.DISPATCH_ORDER, P.VERIFY_ORDER}),
    Role.SITE_MANAGER: frozenset({P.SEE_NETWORK, P.SEE_ORDERS, P.FILE_FAULT, P.RECORD_SESSION, P.SEE_LEARNING, P.SEND_STORY})
    | {P.SEE_ITEMS, P.DO_ITEM},
    Role.PRODUCER: frozenset({P.PRODUCE_COURSEWARE, P.SEND_STORY}),
    Role.REVIEWER: frozenset({P.REVIEW_COURSEWARE}),
    Role.LEADER: READING | {P.APPROVE_BURDEN, P.APPROVE_CIRCULARS},  # who decides does not draft (SUP04)
    Role.AUDITOR: READING | {P.SEE_AUDIT, P.SEE_FLOW},
    Role.LEARNER: frozenset(),
}


POST_OF_KIND: dict[str, Role] = {"site_manager": Role.SITE_MANAGER}
"""The post that a kind of responsibility gives by itself: it ends with the tenure."""


@dataclass(frozen=True)
class Grant:
    """One membership in force: a role inside the subtree of a division path."""

    role: Role
    path: str
    unit_id: int


@dataclass(frozen=True)
class Actor:
    """Who acts, as every command sees it. `person_uid` is None for the system itself."""

    name: str
    person_uid: UUID | None
    grants: tuple[Grant, ...]

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    def holds(self, permission: Permission) -> bool:
        """Whether any grant gives the permission anywhere."""
        return any(permission in PERMISSIONS[grant.role] for grant in self.grants)

    def paths(self, permission: Permission) -> tuple[str, ...]:
        """The division paths under which the permission is held, none inside another."""
        held = sorted({grant.path for grant in self.grants if permission in PERMISSIONS[grant.role]})
        return tuple(path for path in held if not any(path != other and path.startswith(other) for other in held))

    def covers(self, permission: Permission, path: str) -> bool:
        return any(path.startswith(own) for own in self.paths(permission))

    def require(self, permission: Permission, path: str | None = None) -> None:
        """Raise Forbidden without the permission, NotFound when `path` lies outside the subtree: it does not exist for them."""
        if not self.holds(permission):
            raise Forbidden("您的岗位没有这项权限")
        if path is not None and not self.covers(permission, path):
            raise NotFound("没有找到，或不在您负责的范围内")


SYSTEM = Actor(name="系统", person_uid=None, grants=tuple(Grant(role, "/", 0) for role in Role))
"""The machine itself: jobs, import of catalogues, the simulation's set-up."""


MOBILE = re.compile(r"1[3-9]\d{9}")


def is_mobile(digits: str) -> bool:
    """Whether these digits are a mobile number of the mainland, which takes short messages."""
    return bool(MOBILE.fullmatch(digits))
