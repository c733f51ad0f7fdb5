"""What travels down, in the order it is accepted: a shelf may only need what stands before it."""

from __future__ import annotations

from yuanjiao.courseware import shelf as courseware
from yuanjiao.flow.catalogue.shelf import Shelf
from yuanjiao.flow.software import shelf as software
from yuanjiao.learning import shelf as learning
from yuanjiao.network import shelf as network
from yuanjiao.network.shelf import rulings
from yuanjiao.people import shelf as people
from yuanjiao.places import shelf as places
from yuanjiao.programmes import shelf as programmes
from yuanjiao.supervision import shelf as supervision

SHELVES: tuple[Shelf, ...] = (places, people, network, rulings, courseware, learning, programmes, software, supervision)
