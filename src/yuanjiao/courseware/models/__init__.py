"""Rows of courseware: the item and its life, what it is packaged into, the columns it stands in, uploads on their way."""

from yuanjiao.courseware.models.bulk import BulkImport, BulkRow, BulkState
from yuanjiao.courseware.models.columns import Column, ColumnAlarm, ColumnCategory, Placement
from yuanjiao.courseware.models.item import Courseware, CoursewareClass, CoursewareSource, CoursewareStep
from yuanjiao.courseware.models.parts import FormerVersion, ItemPart, PartKind
from yuanjiao.courseware.models.policies import PolicyLink, PolicyRole, PolicyText
from yuanjiao.courseware.models.rendition import JobState, Rendition, RenditionJob, RenditionKind
from yuanjiao.courseware.models.review import (
    ChecklistLine,
    Commission,
    CommissionKind,
    Offer,
    OfferState,
    Review,
    ReviewAnswer,
    ReviewPolicy,
)
from yuanjiao.courseware.models.rights import ConsentForm, Need, NeedOrigin, Rights, ShownPerson
from yuanjiao.courseware.models.search import SearchDue, SearchMiss, SearchMissCount
from yuanjiao.courseware.models.topics import Taxonomy, Topic
from yuanjiao.courseware.models.upload import Upload, UploadState

__all__ = [
    "BulkImport",
    "BulkRow",
    "BulkState",
    "ChecklistLine",
    "Column",
    "ColumnAlarm",
    "ColumnCategory",
    "Commission",
    "CommissionKind",
    "ConsentForm",
    "Courseware",
    "CoursewareClass",
    "CoursewareSource",
    "CoursewareStep",
    "FormerVersion",
    "ItemPart",
    "JobState",
    "Need",
    "NeedOrigin",
    "Offer",
    "OfferState",
    "PartKind",
    "Placement",
    "PolicyLink",
    "PolicyRole",
    "PolicyText",
    "Rendition",
    "RenditionJob",
    "RenditionKind",
    "Review",
    "ReviewAnswer",
    "ReviewPolicy",
    "Rights",
    "SearchDue",
    "SearchMiss",
    "SearchMissCount",
    "ShownPerson",
    "Taxonomy",
    "Topic",
    "Upload",
    "UploadState",
]
