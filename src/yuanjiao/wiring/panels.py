"""What rooms say beside the pages of rooms below them: page → makers of panels, in the order in which they are shown."""

from __future__ import annotations

from yuanjiao.faults.views.beside import orders_of_outage, orders_of_site
from yuanjiao.ui.panels import Maker

PANELS: dict[str, tuple[Maker, ...]] = {"outage": (orders_of_outage,), "site": (orders_of_site,)}
