"""From state changes to outages with one root, a class and the evidence for it. Runs where outages are read: at the top."""

from yuanjiao.network.diagnosis.run import Memory, diagnose
from yuanjiao.network.diagnosis.sighting import Heard

__all__ = ["Heard", "Memory", "diagnose"]
