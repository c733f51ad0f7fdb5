"""Writes about nodes: making this machine's own row. Enrolment and revocation stand beside it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from yuanjiao.flow.nodes import keys
from yuanjiao.flow.nodes.models import Node, NodeKind

KIND_OF_ROLE = {"solo": NodeKind.CENTRE, "centre": NodeKind.CENTRE, "edge": NodeKind.EDGE, "site": NodeKind.SITE}


def ensure_self(*, at: datetime) -> Node:
    """Make this machine's node row if it is not there yet; the row carries the public half of the key in HOME."""
    node, _ = Node.objects.get_or_create(
        is_self=True,
        defaults={
            "kind": KIND_OF_ROLE[settings.ROLE],
            "name": settings.NODE_NAME,
            "public_key": keys.own_public_key(),
            "enrolled_at": at,
        },
    )
    return node
