"""The least that can be called a resuming client: httpx, a range from what is there, again at once when the line breaks.

usage: python -m bench.barefetch URL FILE BYTES
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

PAUSE_S = 0.5


def main(arguments: list[str]) -> int:
    url, path, size = arguments[0], Path(arguments[1]), int(arguments[2])
    path.touch()
    while (had := path.stat().st_size) < size:
        try:
            with (
                httpx.stream("GET", url, headers={"range": f"bytes={had}-"}, timeout=30, trust_env=False) as answer,
                path.open("ab") as file,
            ):
                answer.raise_for_status()
                for piece in answer.iter_raw():
                    file.write(piece)
                    file.flush()
        except httpx.HTTPError:
            time.sleep(PAUSE_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
