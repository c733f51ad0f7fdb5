"""The four errors, split by who must act.

YuanjiaoError
  x Refused        the person: what was asked is not allowed or not right; the message is Chinese and is shown
  + Conflict       nobody: it is already so, or somebody else was faster; look again
  . Unavailable    time: a line, a disk or another process is not ready; retry later
  ! Tampered       an operator: bytes or a chain are not what was signed; alarm, never retry

They are caught broadly at four borders only: request, worker, ship/receive loop, command line.
"""

from __future__ import annotations


class YuanjiaoError(Exception):
    """Base of the four; `message` is written for the reader it is shown to."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(YuanjiaoError):
    """The person who asked must change something. The message is in the reader's language."""


class NotFound(Refused):
    """Asked for something that is not there, or not inside the asker's subtree: both look the same from outside."""


class Forbidden(Refused):
    """The asker's roles do not hold this permission."""


class Conflict(YuanjiaoError):
    """Nobody must act: the state asked for is there already, or has moved on."""


class Unavailable(YuanjiaoError):
    """Try again later; `retry_s` is a hint in seconds."""

    def __init__(self, message: str, *, retry_s: float = 5.0) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class DiskFull(Unavailable):
    """Intake stops (HTTP 507) before anything is half written."""


class Tampered(YuanjiaoError):
    """Signed or hashed bytes do not verify. Raise an alarm; a retry cannot help."""
