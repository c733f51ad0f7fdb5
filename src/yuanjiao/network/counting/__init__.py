"""Seconds counted ahead: column files of finished days, and the running counters of today.

Everything here is derived from the rows of state changes and play tests and can be thrown away at any time. It knows sites by their
key and nothing of places, suspensions or maintenance: those are intersected above, in `queries`.
"""
