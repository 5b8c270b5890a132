"""A server with TLS in front of it, as clients expect it of an index."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.toolbox import Toolbox
from tests.live import LiveServer
from tests.nginx import nginx

__all__ = ["Site", "with_tls"]

_SITE = """\
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    client_max_body_size 0;
    location / {{
        proxy_pass {url};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto https;
    }}
}}
"""


@dataclass(frozen=True)
class Site:
    """An index with TLS in front of it, and the authority to trust."""

    url: str
    ca: Path
    server: LiveServer


@contextmanager
def with_tls(folder: Path, server: LiveServer) -> Iterator[Site]:
    """Run nginx with TLS in front of a server."""
    _make_certificates(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with nginx(folder, _SITE.format(folder=folder, port=port, url=server.url)):
        yield Site(f"https://127.0.0.1:{port}", folder / "ca.pem", server)


def _make_certificates(folder: Path) -> None:
    """Make an authority and a certificate for 127.0.0.1."""
    program = Toolbox().program("openssl")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    own = ("-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority")
    wanted = ("-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    signed = ("-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    steps = (
        ("req", "-x509", *key, *own),
        ("req", *key, *wanted),
        ("x509", "-req", *signed, "-out", "server.pem", "-days", "2", "-extfile", "server.ext"),
    )
    for step in steps:
        subprocess.run([program, *step], cwd=folder, check=True, capture_output=True)
