"""A machine with a real systemd as its first process: this one's files under a layer that is thrown away, in namespaces of its own.

It cannot set the clock, load modules or reach this machine's processes; it shares the network, so that a centre of the test is its parent.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

import yuanjiao

SYSTEMD = Path("/lib/systemd/systemd")
PYTHON = "/opt/yuanjiao/bin/python"
"""The program as it is installed there."""
NOT_OURS = (
    "systemd-udevd systemd-udev-trigger systemd-modules-load systemd-sysctl systemd-timesyncd systemd-networkd systemd-resolved "
    "systemd-remount-fs systemd-random-seed systemd-logind systemd-hwdb-update systemd-tmpfiles-setup systemd-tmpfiles-setup-dev"
)
"""Services of a whole machine that have nothing to do in a part of one."""
BOOT = f"""
set -e
base=$1 python=$2 site=$3 source=$4
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs $base
mkdir $base/up $base/work $base/root
mount -t overlay overlay -o lowerdir=/,upperdir=$base/up,workdir=$base/work $base/root
cd $base/root
mkdir -p opt/python opt/site opt/src old
mount --bind $python opt/python; mount --bind $site opt/site; mount --bind $source opt/src
mount -t proc proc proc
mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for place in run dev tmp; do mount -t tmpfs tmpfs $place; done
chmod 1777 tmp; chmod 755 run dev
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 dev/${{device%:*}} c 1 ${{device#*:}}; done
mknod -m 666 dev/tty c 5 0; ln -s pts/ptmx dev/ptmx; mkdir -p dev/shm dev/pts dev/mqueue dev/hugepages
mount -t tmpfs tmpfs dev/shm; mount -t devpts -o newinstance devpts dev/pts
rm -rf etc/systemd/system etc/yuanjiao var/lib/yuanjiao usr/local/sbin/yuanjiao-edge; mkdir -p etc/systemd/system
: > etc/fstab
printf '[Unit]\\nRequires=basic.target\\nAfter=basic.target\\nAllowIsolate=yes\\n' > etc/systemd/system/proof.target
for unit in {NOT_OURS}; do ln -s /dev/null etc/systemd/system/$unit.service; done
echo 0123456789abcdef0123456789abcdef > etc/machine-id
echo /opt/python/lib > etc/ld.so.conf.d/00-python.conf; chroot . ldconfig
chroot . /opt/python/bin/python3 -m venv --without-pip --clear /opt/yuanjiao
printf '/opt/src\\n/opt/site\\n' > $(echo opt/yuanjiao/lib/python3*/site-packages)/all.pth
pivot_root . old
umount -l /old
export container=proof
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_boot {SYSTEMD} --system --unit=proof.target --log-target=journal --show-status=no
"""


class NoMachine(Exception):
    """systemd cannot be started here; says why."""


class Machine:
    """Booted on entering, powered off by a signal to its first process on leaving."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._pid = folder, 0
        self._group = Path()
        self._outer: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machine:
        if (
            os.geteuid() != 0
            or not SYSTEMD.exists()
            or not all(shutil.which(one) for one in ("unshare", "nsenter", "setpriv", "pivot_root"))
        ):
            raise NoMachine("systemd is started as root, with unshare, nsenter, setpriv and pivot_root of util-linux")
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        group = next((Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2"), None)
        if group is None:
            raise NoMachine("no cgroup2 is mounted here")
        self._group = group / f"yuanjiao-proof-{os.getpid()}"
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._group.mkdir()
        except OSError as error:
            raise NoMachine(f"no control group may be made here: {error}") from None
        self._boot()
        return self

    def _boot(self) -> None:
        line = [
            "unshare",
            "--fork",
            "--kill-child",
            "--pid",
            "--mount",
            "--cgroup",
            "--ipc",
            "--uts",
            "sh",
            "-c",
            BOOT,
            "boot",
            str(self._folder),
        ]
        line += [sys.base_prefix, sysconfig.get_path("purelib"), str(Path(yuanjiao.__file__).parent.parent)]
        joined = ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', str(self._group), *line]
        with (self._folder.parent / "boot.log").open("ab") as log:
            self._outer = subprocess.Popen(joined, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            if self._outer.poll() is not None:
                break
            if self._is_up():
                return
            time.sleep(0.1)
        said = (self._folder.parent / "boot.log").read_text(errors="replace")[-800:]
        self.__exit__()
        raise NoMachine(f"systemd did not come up: {said}")

    def _is_up(self) -> bool:
        assert self._outer is not None
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        self._pid = int(children[0]) if children else 0
        if not self._pid or Path(f"/proc/{self._pid}/comm").read_text().strip() != "systemd":
            return False
        return self.run("systemctl", "is-active", "proof.target", check=False).stdout.strip() == "active"

    def run(self, *line: str, check: bool = True, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """A command inside, as root; AssertionError with its words when it fails and must not."""
        inside = ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--", *line]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(inside, env=environment, cwd="/", capture_output=True, text=True, timeout=timeout_s, check=False)
        assert not check or done.returncode == 0, f"{' '.join(line)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def shows(self, unit: str, *names: str) -> list[str]:
        """Properties of a unit as systemd tells them, in the order asked for."""
        said = dict(
            line.partition("=")[::2] for line in self.run("systemctl", "show", unit, f"--property={','.join(names)}").stdout.splitlines()
        )
        return [said[name] for name in names]

    def __exit__(self, *_: object) -> None:
        if self._outer is not None:
            if self._pid:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)  # the first process of a namespace takes all of them with it
            self._outer.kill()
            self._outer.wait(30)
        for _ in range(100):
            try:
                for group in sorted(self._group.rglob("*/"), reverse=True):
                    group.rmdir()
                self._group.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)
