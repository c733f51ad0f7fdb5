"""Whether our own ears are open: the event loop comes to its turn, and somebody outside whom we need not monitor answers."""

from __future__ import annotations

import logging
import socket

from django.conf import settings

from yuanjiao.network.live.listener import Listener

log = logging.getLogger(__name__)
STUCK_S = 10.0
TIMEOUT_S = 2.0


def ears_open(listener: Listener, now: float) -> bool | None:
    """False: we hear nobody because of ourselves. True: a reference answers. None: there is no reference to ask (REFERENCES)."""
    if listener.ticked_at and now - listener.ticked_at > STUCK_S:
        log.error("the intake's event loop has not come to its turn for %.0f s", now - listener.ticked_at)
        return False
    if not settings.REFERENCES:
        return None
    return any(answers(address) for address in settings.REFERENCES)


def answers(address: str) -> bool:
    """Whether `host:port` accepts a connection; a refusal is an answer too: something is alive there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_S).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False
    return True
