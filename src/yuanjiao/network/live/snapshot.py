"""When everything was last heard, kept on disk now and then, so that a restart knows it. States are in the database; this is only memory.

A file that is torn, old or of another machine's making does no harm: times of the future and unknown keys are passed over.
"""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path

import numpy as np

from yuanjiao.network.live.array import LiveArray
from yuanjiao.network.live.loading import place_of

log = logging.getLogger(__name__)


def keep(array: LiveArray, path: Path) -> None:
    """Write the moments of the last beats and the clock offsets, in one step: the old file stands until the new one is whole."""
    heard = np.flatnonzero(array.last > 0)
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        np.savez(file, ids=array.ids[heard], last=array.last[heard], offset=array.offset[heard], witness=array.witness[heard])
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def bring_back(array: LiveArray, path: Path, *, now: float) -> int:
    """Put back what was kept; returns for how many objects."""
    if not path.exists():
        return 0
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            ids, last, offset, witness = (kept[name] for name in ("ids", "last", "offset", "witness"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("the snapshot %s is not readable and is passed over: %s", path.name, error)
        return 0
    places = place_of(array.ids, ids.astype(np.int64))
    good = (places >= 0) & (last <= now)
    array.last[places[good]], array.offset[places[good]] = last[good], offset[good]
    array.witness[places[good]] = np.minimum(witness[good], now)
    return int(good.sum())
