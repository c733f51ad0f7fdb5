"""A program bound to the process that starts it: nicer than us, and gone when we are gone.

Run as a file of its own, it does both and then becomes the program, so that nothing is done between fork and exec in a process with
many threads. Linux only for the second; elsewhere the program may outlive a killed starter.
"""

from __future__ import annotations

import os
import sys

NICE = 5
"""Pages are answered on the same machine."""
PR_SET_PDEATHSIG = 1


def bound(command: list[str]) -> list[str]:
    """The command line that runs `command` bound to this process. The thread that starts it must live as long as it shall."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def become(starter: int, command: list[str]) -> None:
    """Be nice, die with the starter, be the program."""
    os.nice(NICE)
    if sys.platform == "linux":
        import ctypes
        import signal

        # a killed worker takes its program with it: whoever takes the work over would find the processors busy
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != starter:
            sys.exit(1)  # it died before it could be asked for
    os.execv(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
