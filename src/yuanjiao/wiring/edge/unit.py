"""The systemd unit of an edge: as little of the machine as it needs, started again whatever happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from yuanjiao.lib.errors import Refused

NAME = "yuanjiao.service"
UNIT = """\
# 由 yuanjiao edge setup 写出。要改的请写进 systemctl edit yuanjiao：再次安装会把本文件改回来。
[Unit]
Description=远教边缘服务器（yuanjiao）
After=network-online.target
Wants=network-online.target
# A disk that is full or a database that is locked is mended by people: it is tried for ever, not five times.
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
Group={user}
UMask=0027
EnvironmentFile={settings}
EnvironmentFile=-{settings_here}
WorkingDirectory={home}
# The keeper starts the release that {software}/current names; before there is one, this installation.
ExecStart={executable} -m yuanjiao_keeper {software} serve --host {address} --port {port}
Restart=always
RestartSec=10
TimeoutStopSec=60
LimitNOFILE=65536

NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={home}
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# Boxes and lines are asked by ICMP echo; a port below 1024 is asked for by itself.
CapabilityBoundingSet={rights}
AmbientCapabilities={rights}

[Install]
WantedBy=multi-user.target
"""
CLOCK_NAME, TIMER_NAME = "yuanjiao-clock.service", "yuanjiao-clock.timer"
CLOCK_UNIT = """\
# 由 yuanjiao edge setup --set-clock 写出：按上级签名的报时校正本机时钟。除此以外它什么也不能做；远教服务本身没有校时的权力。
[Unit]
Description=按上级校正本机时钟（yuanjiao）
After=network-online.target

[Service]
Type=oneshot
User={user}
Group={user}
UMask=0027
EnvironmentFile={settings}
EnvironmentFile=-{settings_here}
WorkingDirectory={home}
ExecStart={executable} -P -m yuanjiao.wiring clock set
TimeoutStartSec=300

NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={home}
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=CAP_SYS_TIME
AmbientCapabilities=CAP_SYS_TIME
"""
TIMER = """\
# 由 yuanjiao edge setup --set-clock 写出。
[Unit]
Description=定时按上级校正本机时钟（yuanjiao）

[Timer]
OnBootSec=1min
OnUnitInactiveSec=30min
RandomizedDelaySec=1min

[Install]
WantedBy=timers.target
"""
FIRST_FREE_PORT = 1024
HIDDEN = ("/home/", "/root/", "/run/user/")
"""What ProtectHome=yes hides: a program that is installed there could not be started."""


def software_folder(home: Path) -> Path:
    """Where the keeper of this HOME has its releases; `current` in it is the one that serves."""
    return home / "software"


def unit_text(*, user: str, home: Path, settings: Path, address: str, port: int, executable: str = sys.executable) -> str:
    """The unit for this installation. Refused when a path has a blank or a sign that systemd reads as its own."""
    return UNIT.format(
        **_words(user, home, settings, executable),
        software=software_folder(home),
        address=address,
        port=port,
        rights="CAP_NET_RAW" if port >= FIRST_FREE_PORT else "CAP_NET_RAW CAP_NET_BIND_SERVICE",
    )


def clock_unit_text(*, user: str, home: Path, settings: Path, executable: str = sys.executable) -> str:
    """The unit that sets the clock. It runs this installation, not a release that came by the catalogue. Refused as the other."""
    return CLOCK_UNIT.format(**_words(user, home, settings, executable))


def _words(user: str, home: Path, settings: Path, executable: str) -> dict[str, object]:
    for word in (executable, str(home), str(settings)):
        if set(word) & set(" \t\n'\"\\$%"):
            raise Refused(f"路径中不能有空格、引号、$ 或 %：{word}")
    return {
        "user": user,
        "home": home,
        "settings": settings,
        "settings_here": settings.with_name("local.env"),
        "executable": executable,
        "protect_home": "read-only" if _is_at_home(executable) else "yes",
    }


def _is_at_home(executable: str) -> bool:
    """The program or the Python that it stands on."""
    return any(path.startswith(HIDDEN) for path in (executable, os.path.realpath(executable)))
