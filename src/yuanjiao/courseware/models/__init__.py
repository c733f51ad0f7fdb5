"""Rows of courseware: the item and its life, what it is packaged into, the columns it stands in, uploads on their way."""

from yuanjiao.courseware.models.columns import Column, Placement
from yuanjiao.courseware.models.item import Courseware, CoursewareClass, CoursewareSource, CoursewareStep
from yuanjiao.courseware.models.rendition import JobState, Rendition, RenditionJob, RenditionKind
from yuanjiao.courseware.models.search import SearchDue, SearchMiss
from yuanjiao.courseware.models.upload import Upload, UploadState

__all__ = [
    "Column",
    "Courseware",
    "CoursewareClass",
    "CoursewareSource",
    "CoursewareStep",
    "JobState",
    "Placement",
    "Rendition",
    "RenditionJob",
    "RenditionKind",
    "SearchDue",
    "SearchMiss",
    "Upload",
    "UploadState",
]
