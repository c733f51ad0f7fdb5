"""A PostgreSQL of the tests' own: made in a temporary folder, on a free port of loopback, ended with the tests.

The server programs refuse to run as root; when the tests run as root they are started as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")


def program(name: str) -> str:
    """The newest of the machine's server programs; Debian keeps them outside the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4].split(".")[0]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if not found:
        raise SystemExit(f"{name} was not found; on Debian: apt-get install postgresql")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def run_as() -> dict[str, object]:
    """Options for subprocess that drop root; none when we are somebody else."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise SystemExit("PostgreSQL refuses to run as root and no other user was found")


@contextmanager
def cluster() -> Iterator[str]:
    """Start a server and give its address, `postgresql://…/postgres`; stop and remove it afterwards."""
    user = run_as()
    home = Path(tempfile.mkdtemp(prefix="yuanjiao-pg-"))
    if user:
        os.chown(home, int(str(user["user"])), int(str(user["group"])))
    data, port = home / "data", free_port()
    common: dict[str, object] = {"cwd": home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}, **user}
    _run([program("initdb"), "-D", str(data), "-U", "yuanjiao", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"], common)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=60"
    control = program("pg_ctl")
    _run([control, "-D", str(data), "-l", str(home / "log"), "-o", settings, "-w", "-t", "60", "start"], common)
    try:
        yield f"postgresql://yuanjiao@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([control, "-D", str(data), "-m", "immediate", "-w", "stop"], capture_output=True, check=False, **common)  # type: ignore[call-overload]
        shutil.rmtree(home, ignore_errors=True)


def _run(command: list[str], options: dict[str, object]) -> None:
    # Output goes to a file: the server inherits the pipe and would keep it open for ever.
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False, **options)  # type: ignore[call-overload]
        if done.returncode:
            out.seek(0)
            raise SystemExit(f"{command[0]} failed:\n{out.read()}")
