"""What a kept server in front is told (Caddy or nginx): TLS there, everything passed on to us on the loopback address.

Port 80 is answered too, not sent on to 443: old boxes know no TLS or none of today, and beats and programmes are sealed and hashed by
themselves. Cookies of people who log in are sent over TLS only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yuanjiao.lib.errors import Refused
from yuanjiao.wiring.edge.files import Wanted

NAMED = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,250}[0-9A-Za-z])?")
MAX_BODY_MB = 64
"""As MAX_BODY_BYTES of the settings; uploads come in parts."""
LONGEST_S = 300
"""Seconds between two pieces of an answer: a village line that pauses is not cut off."""

CADDY = """\
# 由 yuanjiao edge setup 写出；再次安装会改回来。
(yuanjiao) {{
	request_body {{
		max_size {body}MiB
	}}
	reverse_proxy 127.0.0.1:{port} {{
		flush_interval -1
		transport http {{
			read_timeout {longest}s
			write_timeout {longest}s
		}}
	}}
}}

http://{name} {{
	import yuanjiao
}}

https://{name} {{
	{tls}
	import yuanjiao
}}
"""
CADDYFILE = """\
# 由 yuanjiao edge setup 写出：原来没有本文件。
import yuanjiao.caddy
"""
NGINX = """\
# 由 yuanjiao edge setup 写出；再次安装会改回来。
upstream yuanjiao {{ server 127.0.0.1:{port}; keepalive 32; }}
server {{
  listen 80;
  listen 443 ssl;
  server_name {name};
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  client_max_body_size {body}m;
  proxy_read_timeout {longest}s;
  proxy_send_timeout {longest}s;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-For $remote_addr;   # in the place of what the asker says of itself
  proxy_buffering off;           # films are sent in ranges as they are read, pages that tell of changes at once
  proxy_request_buffering off;   # uploads come in parts: each is written where it belongs as it arrives
  location / {{ proxy_pass http://yuanjiao; }}
}}
"""


@dataclass(frozen=True)
class Front:
    """Which server stands in front, under which name. `public`: Caddy gets its certificate from a public authority."""

    kind: str
    name: str
    port: int
    public: bool = False
    certificate: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        if not NAMED.fullmatch(self.name):
            raise Refused("在前面加 TLS 时须用 --host 写明本机的域名或地址，如 edu.liuxi.example 或 192.168.1.10")
        if self.kind == "nginx" and not (self.certificate.startswith("/") and self.key.startswith("/")):
            raise Refused(
                "nginx 须有证书：请用 --certificate 和 --certificate-key 写明文件的绝对路径；没有证书可用 --tls caddy，它自己签发"
            )


def front_files(front: Front, *, has_caddyfile: bool) -> Iterator[Wanted]:
    """The files of the server in front. A Caddyfile that is there is somebody else's: it is never written over."""
    if front.kind == "nginx":
        text = NGINX.format(
            name=front.name, port=front.port, certificate=front.certificate, key=front.key, body=MAX_BODY_MB, longest=LONGEST_S
        )
        yield Wanted(Path("/etc/nginx/conf.d/yuanjiao.conf"), text, 0o644)
        return
    tls = "# 证书由公共机构签发：域名须指向本机，80、443 端口须能从外面访问" if front.public else "tls internal"
    text = CADDY.format(name=front.name, port=front.port, tls=tls, body=MAX_BODY_MB, longest=LONGEST_S)
    yield Wanted(Path("/etc/caddy/yuanjiao.caddy"), text, 0o644)
    if not has_caddyfile:
        yield Wanted(Path("/etc/caddy/Caddyfile"), CADDYFILE, 0o644)


def settings_of(front: Front) -> dict[str, str]:
    """What our server must know of the one in front."""
    address = f"https://{front.name}"
    return {
        "HOSTS": f"{front.name},127.0.0.1,localhost",
        "PUBLIC_URL": address,
        "TRUSTED_ORIGINS": address,
        "SECURE_COOKIES": "1",
        "BEHIND_PROXY": "1",
    }
