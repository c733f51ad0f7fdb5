"""Which room asks what of units: the meter (GOV30) reads these. A room adds itself with one line; a test reads each of them.

Rooms that ask for something new call `lib.metering.meter()`, which is METER, before they give it out.
"""

from __future__ import annotations

from yuanjiao.burden.commands import BurdenMeter
from yuanjiao.courseware import queries as courseware
from yuanjiao.duties import queries as duties
from yuanjiao.faults import queries as faults
from yuanjiao.items import queries as items
from yuanjiao.learning import queries as learning
from yuanjiao.lib.asked import Asking
from yuanjiao.programmes import queries as programmes
from yuanjiao.reports import queries as reports
from yuanjiao.supervision import queries as supervision
from yuanjiao.surveys import queries as surveys

ASKINGS: tuple[Asking, ...] = (
    Asking("事项与工单", items.asked),
    Asking("月报与周报", reports.asked),
    Asking("专项行动", supervision.asked),
    Asking("百村调查", surveys.asked),
    Asking("学习", learning.asked),
    Asking("培训", faults.asked),
    Asking("交接", duties.asked),
    Asking("课件任务", courseware.asked),
    Asking("通知与快讯", programmes.asked),
)
METER = BurdenMeter()
