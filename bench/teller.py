"""Records entries in the home of an edge that is being served, one after the other, and tells how long the parent took to have each.

Prints one JSON line: seconds of each entry from its record to the parent's word that it has it; one that took longer than was measured
counts with the time it has waited so far.
usage: python -m bench.teller SECONDS
"""

from __future__ import annotations

import json
import sys
import time

PAUSE_S, LOOK_S = 1.0, 0.05


def main(arguments: list[str]) -> int:
    import django

    django.setup()
    until = time.monotonic() + float(arguments[0])
    waits = []
    while time.monotonic() < until:
        waits.append(tell_one(until))
        time.sleep(PAUSE_S)  # the next thing happens a little later
    print(json.dumps(waits))
    return 0


def tell_one(until: float) -> float:
    """Seconds until the parent has one more entry."""
    from yuanjiao.flow.journal.models import Head
    from yuanjiao.flow.journal.record import record
    from yuanjiao.lib import clock
    from yuanjiao.lib.uid import new_uid
    from yuanjiao.network.events import PlayTested

    begun, at = time.monotonic(), clock.now()
    fact = record(PlayTested(uid=new_uid(), site="S-0", at=at, ok=True), at=at)
    while not Head.objects.filter(origin__is_self=True, acknowledged_seq__gte=fact.seq).exists() and time.monotonic() < until:
        time.sleep(LOOK_S)  # another process ships it
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
