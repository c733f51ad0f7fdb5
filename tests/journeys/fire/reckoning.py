"""Run in a node's own environment when it is down: all that both sides must agree upon, as JSON on the last line."""

from __future__ import annotations

import hashlib
import json
import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yuanjiao.wiring.settings")
    django.setup()
    from yuanjiao.courseware.models import Courseware, ItemPart
    from yuanjiao.flow.blobs import store
    from yuanjiao.flow.catalogue.publish import public_folder
    from yuanjiao.flow.journal.models import Entry, Fork, Head, Unapplied
    from yuanjiao.flow.journal.replay import event_tables, replay, rows_said
    from yuanjiao.flow.journal.verify import verify_journal
    from yuanjiao.flow.models import Wanted
    from yuanjiao.flow.nodes.queries import own_node
    from yuanjiao.lib import clock

    def whole(sha256: str) -> bool:
        """Whether the file of that name is here and is what its name says."""
        return store.has(sha256) and hashlib.sha256(store.path(sha256).read_bytes()).hexdigest() == sha256

    entries: dict[str, dict[int, str]] = {}
    for uid, seq, digest in Entry.objects.values_list("origin__uid", "seq", "entry_hash"):
        entries.setdefault(str(uid), {})[seq] = bytes(digest).hex()
    blobs = set(ItemPart.objects.values_list("blob", flat=True))
    told = {
        "uid": str(own_node().uid),
        "entries": entries,
        "count": Entry.objects.count(),
        "heads": {str(uid): told for uid, *told in Head.objects.values_list("origin__uid", "seq", "acknowledged_seq", "refusal")},
        "unapplied": [str(row.reason) for row in Unapplied.objects.all()],
        "forks": Fork.objects.count(),
        "faults": [str(fault) for fault in verify_journal().faults],
        "changed": replay(at=clock.now(), keep=False).changed,
        "rows": {model._meta.label: rows_said(model) for model in event_tables()},
        "items": sorted(Courseware.objects.values_list("title", flat=True)),
        "blobs": sorted(blobs),
        "missing": sorted(sha256 for sha256 in blobs if not whole(sha256)),
        "wanted": Wanted.objects.count(),
        "timestamp": hashlib.sha256((public_folder() / "metadata" / "timestamp.json").read_bytes()).hexdigest(),
    }
    sys.stdout.write(json.dumps(told) + "\n")
