"""Rows of programmes: themes, urgent notices, channels and their days, live programmes, weekly bulletins, what a withdrawn item left, how
much is used."""

from yuanjiao.programmes.models.bulletins import (
    BulletinChannel,
    BulletinDelivery,
    BulletinEdition,
    BulletinItem,
    BulletinSeries,
    DeliveryState,
    EditionState,
    OptOut,
)
from yuanjiao.programmes.models.channels import Airing, Block, BlockItem, Channel
from yuanjiao.programmes.models.live import LiveProgramme, LiveSignal, RecordingState, SignalState
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
    "BulletinChannel",
    "BulletinDelivery",
    "BulletinEdition",
    "BulletinItem",
    "BulletinSeries",
    "CatalogueStep",
    "CatalogueTaken",
    "Channel",
    "DeliveryState",
    "Departure",
    "DepartureConfirmed",
    "EditionState",
    "LiveProgramme",
    "LiveSignal",
    "Notice",
    "OptOut",
    "Outlet",
    "PlayCount",
    "PlayTally",
    "Publication",
    "PublicationState",
    "RecordingState",
    "SignalState",
    "Theme",
    "ThemeColumn",
]
