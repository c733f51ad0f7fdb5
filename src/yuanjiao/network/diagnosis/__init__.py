"""From state changes to outages with one root, a class and the evidence for it. Runs where outages are read: at the top."""

from yuanjiao.network.diagnosis.run import diagnose

__all__ = ["diagnose"]
