"""The small clock: how long a job rests."""

from __future__ import annotations

import pytest

from yuanjiao.wiring.engine import pause_s
from yuanjiao.wiring.jobs import JOBS, Job


@pytest.mark.parametrize(
    ("share", "took_s", "wanted_s"),
    [(1.0, 1.0, 9.0), (1.0, 30.0, 2.0), (0.1, 0.5, 9.5), (0.1, 8.0, 72.0)],
)
def test_a_job_rests_until_it_is_due_and_until_it_is_within_its_share_of_a_core(share: float, took_s: float, wanted_s: float) -> None:
    job = Job("some", 10.0, lambda at: None, frozenset({"solo"}), share=share)
    assert pause_s(job, took_s) == pytest.approx(wanted_s)


def test_a_nations_catalogue_is_not_laid_out_without_a_rest() -> None:
    (publishing,) = [job for job in JOBS if job.name == "publish"]
    assert pause_s(publishing, 8.6) > 60
