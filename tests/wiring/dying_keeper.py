"""The keeper, killed before or after the step of a number. Whatever lasts, and whatever process begins, is a step. 0: it lives, and
prints how many there were."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import yuanjiao_keeper as keeper

keeper.LOOK_S, keeper.STOP_S, keeper.FIRST_WAIT_S, keeper.LONGEST_WAIT_S = 0.02, 5.0, 0.05, 0.1
last, done = int(sys.argv.pop(1)), 0


def step() -> None:
    global done
    done += 1
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)


def counted(real: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **options: Any) -> Any:
        step()
        found = real(*args, **options)
        step()
        return found

    return both


for name in ("replace", "unlink", "symlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
subprocess.Popen.__init__ = counted(subprocess.Popen.__init__)  # type: ignore[method-assign]
code = keeper.main()
sys.stdout.write(str(done))
sys.exit(code)
