"""A small SNMP agent (pysnmp, another implementation than the one that asks): answers the standard system group on loopback.

python agent.py PORT COMMUNITY
"""

from __future__ import annotations

import asyncio
import sys

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context


async def main(port: int, community: str) -> None:
    agent = engine.SnmpEngine()
    transport = udp.UdpTransport().open_server_mode(("127.0.0.1", port))
    config.add_transport(agent, udp.DOMAIN_NAME, transport)
    config.add_v1_system(agent, "readers", community)
    config.add_vacm_user(agent, 2, "readers", "noAuthNoPriv", (1, 3, 6, 1, 2, 1))
    cmdrsp.GetCommandResponder(agent, context.SnmpContext(agent))
    agent.transport_dispatcher.job_started(1)
    while transport.transport is None:  # the socket is opened by a task of its own
        await asyncio.sleep(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
