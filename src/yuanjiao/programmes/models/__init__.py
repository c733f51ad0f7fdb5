"""Rows of programmes: themes, urgent notices, channels and their days, what a withdrawn item left, how much is used."""

from yuanjiao.programmes.models.channels import Airing, Block, BlockItem, Channel
from yuanjiao.programmes.models.notices import Acknowledgement, Notice
from yuanjiao.programmes.models.outlets import Outlet, Publication, PublicationState
from yuanjiao.programmes.models.reach import Arrival, ArrivalVersion, CatalogueStep, CatalogueTaken, Departure, DepartureConfirmed
from yuanjiao.programmes.models.themes import Theme, ThemeColumn
from yuanjiao.programmes.models.use import PlayCount, PlayTally

__all__ = [
    "Acknowledgement",
    "Airing",
    "Arrival",
    "ArrivalVersion",
    "Block",
    "BlockItem",
    "CatalogueStep",
    "CatalogueTaken",
    "Channel",
    "Departure",
    "DepartureConfirmed",
    "Notice",
    "Outlet",
    "PlayCount",
    "PlayTally",
    "Publication",
    "PublicationState",
    "Theme",
    "ThemeColumn",
]
