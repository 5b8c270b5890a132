"""A server on loopback whose answers are functions, and which remembers what it was asked."""

import ssl
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    path: str
    headers: dict
    method: str = "GET"


@dataclass
class Loopback:
    """`routes` maps a path with its query to a function that gets the request's handler."""

    routes: dict = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    seen: list = field(default_factory=list)
    connections: int = 0

    def __post_init__(self):
        self.released = threading.Event()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                super().setup()

            def do_GET(self):
                outer.seen.append(Seen(self.path, dict(self.headers.items()), self.command))
                route = outer.routes.get(self.path) or outer.routes.get("*") or reply(404)
                with suppress(OSError):
                    route(self)

            do_CONNECT = do_GET

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            block_on_close = False

            def handle_error(self, request, address):
                pass

        self.server = Server((self.host, 0), Handler)
        if self.context:
            self.server.socket = self.context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://{self.host}:{self.port}"

    @property
    def paths(self):
        return [one.path for one in self.seen]


def reply(status=200, body=b"", **headers):
    """Answer with a body of a known length, or without `Content_Length=None`."""

    def route(handler):
        handler.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return route


def redirect(location, status=302):
    return reply(status, Location=location)


def raw(*pieces, close=True):
    """Send bytes as they are; functions among them are called, to wait for something."""

    def route(handler):
        handler.close_connection = close
        for piece in pieces:
            if callable(piece):
                piece()
            else:
                handler.wfile.write(piece)
                handler.wfile.flush()

    return route


def in_turn(*routes):
    """Answer with each route once, and with the last one from then on."""
    left = list(routes)

    def route(handler):
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return route


def make_certificates(folder):
    """Make an authority, and certificates for 127.0.0.1 and for a client that it has signed."""

    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(
        "req",
        "-x509",
        *key,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=Test authority",
    )
    for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(extra)
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext"),
        )


def server_context(folder, *, ask_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask_client:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(folder / "ca.pem")
    return context
