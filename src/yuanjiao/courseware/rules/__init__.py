"""Pure rules of courseware: its life, the profiles it is packaged in, the text of its playlists."""

from yuanjiao.courseware.rules.life import STATE_NAMES, State

__all__ = ["STATE_NAMES", "State"]
