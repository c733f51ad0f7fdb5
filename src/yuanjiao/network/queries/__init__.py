"""What other rooms may read of the network, by noun."""

from yuanjiao.network.queries.entries import assets, edges, lines, sites
from yuanjiao.network.queries.outages import OutageView, affected_sites, detected_outages, open_outage_of, open_outages, outage, outages_of
from yuanjiao.network.queries.plays import Play, last_play_test, passed_play_test_after, play_tests
from yuanjiao.network.queries.rates import (
    ChildRate,
    SiteRate,
    SplitRate,
    availability,
    coverage_of_villages,
    rate_at,
    rate_over,
    rates_by_child,
    rates_by_site,
    rates_split,
)
from yuanjiao.network.queries.register import object_by_code, sites_in, upstream
from yuanjiao.network.queries.states import DarkSite, SiteCounts, StateNow, dark_sites, site_counts, state_now, with_state

__all__ = [
    "ChildRate",
    "DarkSite",
    "OutageView",
    "Play",
    "SiteCounts",
    "SiteRate",
    "SplitRate",
    "StateNow",
    "affected_sites",
    "assets",
    "availability",
    "coverage_of_villages",
    "dark_sites",
    "detected_outages",
    "edges",
    "last_play_test",
    "lines",
    "object_by_code",
    "open_outage_of",
    "open_outages",
    "outage",
    "outages_of",
    "passed_play_test_after",
    "play_tests",
    "rate_at",
    "rate_over",
    "rates_by_child",
    "rates_by_site",
    "rates_split",
    "site_counts",
    "sites",
    "sites_in",
    "state_now",
    "upstream",
    "with_state",
]
