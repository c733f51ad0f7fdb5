"""Timed work: which job runs how often in which role. The clock that runs it is wiring/engine.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from yuanjiao.burden.commands import freeze_months
from yuanjiao.courseware.jobs import (
    clear_old_uploads,
    expire_rights,
    free_imports,
    index_courseware,
    keep_playlists,
    requeue_packaging,
    tell_search_misses,
    watch_promises,
)
from yuanjiao.faults.jobs import draft_urgings, run_faults, send_messages, take_up_left_reports
from yuanjiao.flow.blobs.keeping import sweep_blobs
from yuanjiao.flow.blobs.queue import fetch_wanted
from yuanjiao.flow.blobs.scrub import scrub_blobs
from yuanjiao.flow.blobs.watching import watch_storage
from yuanjiao.flow.catalogue.follow import follow_parent
from yuanjiao.flow.catalogue.publish import publish
from yuanjiao.flow.journal.applying import retry_set_aside
from yuanjiao.flow.journal.keeping import archive_acknowledged
from yuanjiao.flow.journal.ship import ship
from yuanjiao.flow.wire.parents_time import keep_parents_time
from yuanjiao.network import jobs as network
from yuanjiao.network import leases
from yuanjiao.network.probing.edge import check_edge
from yuanjiao.network.probing.site import try_newest_film
from yuanjiao.programmes import jobs as programmes
from yuanjiao.register.jobs import forget_old_uploads
from yuanjiao.reports.jobs import draft_month_reports, draft_week_reports
from yuanjiao.supervision.jobs import keep_campaigns, take_up_census, take_up_left_census
from yuanjiao.wiring.edge.updating import keep_software
from yuanjiao.wiring.lessons import rank_lessons
from yuanjiao.wiring.prober import keep_prober
from yuanjiao.wiring.upkeep import settle_tasks, weigh_indexes

ALL = frozenset({"solo", "centre", "edge", "site"})
TOP = frozenset({"solo", "centre"})
BELOW = frozenset({"edge", "site"})


@dataclass(frozen=True)
class Job:
    """`run(at)` is called every `every_s` seconds in processes whose role is in `roles`.

    More rarely when it would take more than its `share` of a core.
    """

    name: str
    every_s: float
    run: Callable[[datetime], object]
    roles: frozenset[str] = ALL
    share: float = 1.0


SHARED_SWEEP_S = 2.0
"""Several intakes sweep at least this often: a share that is given back is taken up within a turn."""
SWEEP = (
    Job("sweep", min(settings.SWEEP_S, SHARED_SWEEP_S), leases.sweep_shares, TOP)
    if settings.INTAKE_ADDRESS
    else Job(
        "sweep", settings.SWEEP_S, network.sweep_now if settings.ROLE in BELOW else network.sweep_at_top
    )  # also keeps the mark that this machine was listening
)
SHARING = (
    (Job("renew_leases", leases.RENEW_S, leases.renew_leases, TOP), Job("relay", leases.RENEW_S, leases.relay, TOP))
    if settings.INTAKE_ADDRESS
    else ()
)
JOBS: tuple[Job, ...] = (
    Job("publish", settings.FOLLOW_S, publish, TOP, share=0.1),
    Job("follow", settings.FOLLOW_S, follow_parent, BELOW),
    Job("rank_lessons", 60.0, rank_lessons, BELOW, share=0.1),
    Job("fetch_wanted", settings.FOLLOW_S, fetch_wanted, BELOW),
    Job("keep_software", min(60.0, settings.FOLLOW_S * 6), keep_software, BELOW),
    Job("keep_parents_time", 60.0, keep_parents_time, BELOW),
    Job("sweep_blobs", 600.0, sweep_blobs, BELOW),
    Job("scrub_blobs", 60.0, scrub_blobs),
    Job("watch_storage", 30.0, watch_storage),
    Job("ship", settings.SHIP_S, ship),  # at the top there is no parent and nothing to do; a centre may have a province above
    Job("retry_set_aside", 300.0, retry_set_aside),
    Job("archive_acknowledged", 3600.0, archive_acknowledged, BELOW, share=0.1),
    SWEEP,
    *SHARING,
    Job("reload_register", 1.0, network.reload_register),  # a large register; a small one is read within the sweep
    Job("keep_snapshot", 300.0, network.keep_snapshot),
    Job("tell_alive", 60.0, network.tell_alive),
    Job("diagnose", settings.SWEEP_S, network.diagnose_outages, TOP, share=0.5),
    Job("keep_counters", 30.0, network.keep_counters, TOP),
    Job("beat_parent", min(settings.BEAT_PERIOD_S / 2, 30.0), network.beat_now, BELOW),
    Job("check_edge", settings.CHECK_S, check_edge, frozenset({"edge"})),
    Job("try_newest_film", min(settings.PLAY_TEST_S, 60.0), try_newest_film, frozenset({"site"})),
    Job("keep_prober", 10.0, keep_prober, TOP),
    Job("requeue_packaging", 30.0, requeue_packaging, TOP),
    Job("free_imports", 30.0, free_imports, TOP),
    Job("expire_rights", 600.0, expire_rights),
    Job("index_courseware", 2.0, index_courseware),
    Job("keep_playlists", 600.0, keep_playlists, TOP, share=0.1),
    Job("clear_old_uploads", 3600.0, clear_old_uploads, TOP),
    Job("lay_days", 600.0, programmes.lay_days),
    Job("tell_above", 15.0, programmes.tell_above, BELOW),
    Job("tell_search_misses", 3600.0, tell_search_misses, BELOW),
    Job("tell_plays", 3600.0, programmes.tell_plays, TOP),
    Job("send_publications", 15.0, programmes.send_publications, TOP),
    Job("send_bulletins", 5.0, programmes.send_bulletins, TOP),
    Job("draft_bulletins", 600.0, programmes.draft_bulletins, TOP),
    Job("keep_live", 1.0, programmes.keep_live, TOP),
    Job("make_recordings", 10.0, programmes.make_recordings, TOP),
    Job("watch_arrivals", 30.0, programmes.watch_arrivals, TOP),
    Job("watch_departures", 30.0, programmes.watch_departures, TOP),
    Job("watch_promises", 1800.0, watch_promises, TOP),
    Job("faults", 5.0, run_faults, TOP),
    Job("draft_urgings", 600.0, draft_urgings, TOP, share=0.1),
    Job("send_messages", 15.0, send_messages, TOP),
    Job("take_up_left_reports", 3600.0, take_up_left_reports, TOP),
    Job("forget_imports", 3600.0, forget_old_uploads, TOP),
    Job("weigh_indexes", 3600.0, weigh_indexes),
    Job("settle_tasks", 600.0, settle_tasks, TOP),
    Job("draft_month_reports", 3600.0, draft_month_reports, TOP),
    Job("freeze_burden", 3600.0, freeze_months, TOP, share=0.1),
    Job("draft_week_reports", 3600.0, draft_week_reports, TOP, share=0.1),
    Job("take_up_census", 10.0, take_up_census, TOP),
    Job("take_up_left_census", 3600.0, take_up_left_census, TOP),
    Job("keep_campaigns", 600.0, keep_campaigns, TOP, share=0.1),
)
INTAKE_JOBS = (SWEEP, *SHARING, Job("reload_register", 1.0, network.reload_register))
"""What an intake process (`yuanjiao intake`) does beside answering."""
