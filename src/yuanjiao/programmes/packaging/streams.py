"""What is answered to a player of a live programme, whoever answers: Django's views or the lean door."""

from __future__ import annotations

PLAYLIST, SEGMENT = "application/vnd.apple.mpegurl", "video/mp2t"
ANYWHERE = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
"""A page of a machine below plays the stream of this one."""
LIST_LABELS = {**ANYWHERE, "Cache-Control": "no-store"}
"""What stands in a list changes every two seconds: nobody keeps it."""
SEGMENT_LABELS = {**ANYWHERE, "Cache-Control": "public, max-age=86400, immutable"}
"""A finished segment never changes under its name."""
