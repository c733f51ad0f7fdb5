"""Reads about nodes."""

from __future__ import annotations

from uuid import UUID

from yuanjiao.flow.nodes.models import Node
from yuanjiao.lib.errors import NotFound


def own_node() -> Node:
    """This machine's node row; it exists from the first start (`nodes.commands.ensure_self`)."""
    node = Node.objects.filter(is_self=True).first()
    if node is None:
        raise NotFound("本机尚未建立节点身份：请先运行 yuanjiao serve")
    return node


def parent_node() -> Node | None:
    """The enrolled node above, or None at the top or before enrolment."""
    return Node.objects.filter(is_parent=True).first()


def node_by_uid(uid: UUID) -> Node:
    node = Node.objects.filter(uid=uid).first()
    if node is None:
        raise NotFound("没有登记过这个节点")
    return node
