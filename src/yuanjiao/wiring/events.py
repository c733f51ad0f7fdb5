"""Which `apply_*` builds the rows of which event. A row is (event class, apply function); a test fails for an event left out."""

from __future__ import annotations

from yuanjiao.courseware import events as courseware
from yuanjiao.faults import events as faults
from yuanjiao.flow.journal import forks, membership
from yuanjiao.flow.journal.event import EventTable
from yuanjiao.flow.software import telling as software
from yuanjiao.learning import events as learning
from yuanjiao.network import events as network
from yuanjiao.programmes import events as programmes
from yuanjiao.supervision import events as supervision

EVENTS: EventTable = {
    faults.FaultReported.KIND: (faults.FaultReported, faults.apply_reported),
    membership.NodeEnrolled.KIND: (membership.NodeEnrolled, membership.apply_enrolled),
    membership.NodeRevoked.KIND: (membership.NodeRevoked, membership.apply_revoked),
    membership.NodeMoved.KIND: (membership.NodeMoved, membership.apply_moved),
    forks.BranchRetold.KIND: (forks.BranchRetold, forks.apply_retold),
    software.SoftwareInstalled.KIND: (software.SoftwareInstalled, software.apply_installed),
    network.StateChanged.KIND: (network.StateChanged, network.apply_state_changed),
    network.Deaf.KIND: (network.Deaf, network.apply_deaf),
    network.PlayTested.KIND: (network.PlayTested, network.apply_play_tested),
    network.EdgeChecked.KIND: (network.EdgeChecked, network.apply_edge_checked),
    learning.SessionHeld.KIND: (learning.SessionHeld, learning.apply_session_held),
    learning.SessionCorrected.KIND: (learning.SessionCorrected, learning.apply_session_corrected),
    courseware.MissesCounted.KIND: (courseware.MissesCounted, courseware.apply_misses_counted),
    programmes.NoticeArrived.KIND: (programmes.NoticeArrived, programmes.apply_notice_arrived),
    programmes.NoticeConfirmed.KIND: (programmes.NoticeConfirmed, programmes.apply_notice_confirmed),
    programmes.CatalogueFollowed.KIND: (programmes.CatalogueFollowed, programmes.apply_catalogue_followed),
    programmes.CatalogueAccepted.KIND: (programmes.CatalogueAccepted, programmes.apply_catalogue_accepted),
    programmes.PlaysCounted.KIND: (programmes.PlaysCounted, programmes.apply_plays_counted),
    supervision.CensusConfirmed.KIND: (supervision.CensusConfirmed, supervision.apply_census_confirmed),
}
