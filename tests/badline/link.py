"""A bad line between two network namespaces: packets are carried by hand between two TUN devices, with everything `Faults` can say.

Kernels without netem are common; this needs /dev/net/tun and the right to make namespaces, as root has. The namespaces are nameless and
belong to two sleeping processes: when those end, everything is gone. `line.inside(end, …)` is the command line of a program at one end.

The link itself is a process of its own, so that the timing of packets does not hang on the test's. Faults are changed by writing
them to its file and sending it SIGHUP; at SIGTERM it prints what it carried.
usage: python -m tests.badline.link PID_A PID_B FILE SEED
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.badline.faults import Faults, Way

DEVICE, ADDRESSES, MTU = "bad0", ("10.99.0.1", "10.99.0.2"), 1400
CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454CA, 0x0001, 0x1000
ROOT = Path(__file__).resolve().parent.parent.parent


def allowed() -> bool:
    """Whether this machine lets us make such a line."""
    if not all(shutil.which(program) for program in ("unshare", "nsenter", "ip")) or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return False
    return os.geteuid() == 0 and subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode == 0


class BadLink:
    """Two namespaces and the line between them; `with BadLink(faults) as line:`. `addresses` are those of its ends 0 and 1."""

    addresses = ADDRESSES

    def __init__(self, faults: Faults | None = None, *, seed: int = 1) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bad-line-"))
        self._faults, self._seed = faults or Faults(), seed
        self._ends: list[subprocess.Popen[bytes]] = []
        self._link: subprocess.Popen[str] | None = None
        self.carried: dict[str, int] = {}

    def __enter__(self) -> BadLink:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def inside(self, end: int, *line: str) -> list[str]:
        """The command line that runs a program at this end of the line."""
        return ["nsenter", f"--net=/proc/{self._ends[end].pid}/ns/net", *line]

    @contextmanager
    def entered(self, end: int) -> Iterator[None]:
        """This thread works at that end of the line, and with it the threads and processes that it starts meanwhile."""
        libc = ctypes.CDLL(None, use_errno=True)
        home, there = (os.open(path, os.O_RDONLY) for path in ("/proc/thread-self/ns/net", f"/proc/{self._ends[end].pid}/ns/net"))
        try:
            _enter(libc, there)
            yield
        finally:
            _enter(libc, home)
            os.close(home)
            os.close(there)

    def become(self, faults: Faults) -> None:
        """From now on the line is like this; its time begins anew."""
        self._write(faults)
        assert self._link is not None
        self._link.send_signal(signal.SIGHUP)
        time.sleep(0.2)

    def close(self) -> None:
        """End the link, then the namespaces; `carried` tells what passed."""
        if self._link is not None:
            self._link.terminate()
            told, _ = self._link.communicate(timeout=20)
            self.carried = json.loads(told or "{}")
            self._link = None
        for end in self._ends:
            end.kill()
            end.communicate(timeout=20)
        self._ends.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        # `cat` sleeps on a pipe that nobody writes to
        self._ends = [subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(2)]
        for end in self._ends:
            _wait_until_apart(end.pid)
        self._write(self._faults)
        told = [str(end.pid) for end in self._ends]
        line = [sys.executable, "-m", "tests.badline.link", *told, str(self._folder / "faults"), str(self._seed)]
        self._link = subprocess.Popen(line, cwd=ROOT, text=True, stdout=subprocess.PIPE)
        assert self._link.stdout is not None
        if self._link.stdout.readline() != "up\n":
            raise OSError("the bad line did not come up")
        for end in (0, 1):
            self._set_up(end)

    def _set_up(self, end: int) -> None:
        own, other = ADDRESSES[end], ADDRESSES[1 - end]
        for words in (f"addr add {own} peer {other} dev {DEVICE}", f"link set {DEVICE} mtu {MTU} up", "link set lo up"):
            subprocess.run(self.inside(end, "ip", *words.split()), check=True)

    def _write(self, faults: Faults) -> None:
        fresh = self._folder / "faults.new"
        fresh.write_bytes(msgspec.json.encode(faults))
        fresh.replace(self._folder / "faults")


def _wait_until_apart(pid: int, within_s: float = 10.0) -> None:
    """Until the process has left our namespace."""
    until = time.monotonic() + within_s
    while Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
        if time.monotonic() > until:
            raise OSError("no namespace was made")
        time.sleep(0.01)


# -- the process that carries ---------------------------------------------------------------------------------------------------


def open_device(pid: int) -> int:
    """A TUN device in the namespace of a process; it stays there, the descriptor is ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = (os.open(f"/proc/{one}/ns/net", os.O_RDONLY) for one in ("self", pid))
    _enter(libc, there)
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    finally:
        _enter(libc, home)
    os.close(home)
    os.close(there)
    return device


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Carrier:
    """Takes packets from each device and puts them into the other when they are due."""

    def __init__(self, devices: tuple[int, int], faults: Path, seed: int) -> None:
        self.devices, self._file, self._chance = devices, faults, random.Random(seed)
        self.due: list[tuple[float, int, int, bytes]] = []
        self.carried = self.lost = self.bytes = self._number = 0
        self.going = True
        self.begin()

    def begin(self, *_: object) -> None:
        """Read the faults; the line's time starts from nothing."""
        self.faults, self._began = msgspec.json.decode(self._file.read_bytes(), type=Faults), time.monotonic()
        self.ways = [Way(lambda: self.faults, self._chance) for _ in self.devices]
        self.due.clear()

    def end(self, *_: object) -> None:
        self.going = False

    def run(self) -> None:
        poll = select.poll()
        for device in self.devices:
            poll.register(device, select.POLLIN)
        while self.going:
            wait_s = min(self.due[0][0] - self._now(), 1.0) if self.due else 1.0
            for device, _ in poll.poll(max(0.0, wait_s * 1000)):
                self._take(self.devices.index(device))
            self._deliver()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _take(self, end: int) -> None:
        while (packet := _read(self.devices[end])) is not None:
            at = self.ways[end].arrives_at(len(packet), self._now())
            if at is None:
                self.lost += 1
                continue
            self._number += 1
            heapq.heappush(self.due, (at, self._number, 1 - end, packet))

    def _deliver(self) -> None:
        while self.due and self.due[0][0] <= self._now():
            _, _, end, packet = heapq.heappop(self.due)
            try:
                os.write(self.devices[end], packet)
            except OSError:
                continue  # the device is not up yet, or its queue is full: one more packet is lost
            self.carried += 1
            self.bytes += len(packet)


def _read(device: int) -> bytes | None:
    try:
        return os.read(device, 65536)
    except BlockingIOError:
        return None


def main(arguments: list[str]) -> int:
    devices = (open_device(int(arguments[0])), open_device(int(arguments[1])))
    carrier = Carrier(devices, Path(arguments[2]), int(arguments[3]))
    signal.signal(signal.SIGHUP, carrier.begin)
    signal.signal(signal.SIGTERM, carrier.end)
    sys.stdout.write("up\n")
    sys.stdout.flush()
    carrier.run()
    sys.stdout.write(json.dumps({"carried": carrier.carried, "lost": carrier.lost, "bytes": carrier.bytes}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
