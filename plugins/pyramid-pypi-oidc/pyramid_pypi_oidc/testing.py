"""An issuer for tests, on loopback, that signs whatever it is told to.

It gives tokens to jobs as GitHub does, see `FakeIssuer.runner`, so that real upload tools can be
tested without GitHub.
"""

import json
import threading
import time
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

__all__ = ["FakeIssuer", "github_claims", "mint", "refused"]

REQUEST_TOKEN: Final = "request-token"  # noqa: S105 - what a runner shows to this issuer
_SIZE: Final = 2048
_LONGEST: Final = 30.0


def github_claims(repository: str = "acme/widgets", **changes: Any) -> dict[str, Any]:
    """Return what GitHub says about a job of `release.yml`; a change to None leaves a claim out."""
    owner = repository.partition("/")[0]
    claims = {
        "sub": f"repo:{repository}:ref:refs/heads/main",
        "repository": repository,
        "repository_owner": owner,
        "repository_owner_id": "111",
        "job_workflow_ref": f"{repository}/.github/workflows/release.yml@refs/heads/main",
        "event_name": "push",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def mint(index: Any, token: str, *, status: int = 200) -> Any:
    """Show a token to a WebTest client of an index and return the answer."""
    return index.post_json("/_/oidc/mint-token", {"token": token}, status=status)


def refused(index: Any, token: str) -> tuple[str, str]:
    """Return the code and the sentence with which an index refuses a token."""
    (error,) = mint(index, token, status=422).json["errors"]
    return error["code"], error["description"]


class FakeIssuer:
    """Has a discovery document and keys; `asked` counts the requests by path.

    While `down`, it answers 503, and nothing while `hold` is not set; `arrived` tells that it has
    been asked meanwhile. `claims` are those of the job that asks as a runner does.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(_SIZE, {"kid": "first", "use": "sig"})
        self.elliptic = ECKey.generate_key("P-256", {"kid": "elliptic", "use": "sig"})
        self.documents: dict[str, Any] = {}
        self.claims: dict[str, Any] = github_claims()
        self.down = False
        self.hold, self.arrived = threading.Event(), threading.Event()
        self.hold.set()
        self.asked: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._publish_keys()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def runner(self) -> dict[str, str]:
        """The environment of a job that runs at this issuer, as if it were GitHub."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }

    def rotate(self) -> None:
        """Sign with a new key from now on, and forget the old one."""
        self.key = RSAKey.generate_key(_SIZE, {"kid": uuid.uuid4().hex, "use": "sig"})
        self._publish_keys()

    def token(
        self, claims: dict[str, Any] | None = None, *, key: Any = None, header: dict[str, Any] | None = None
    ) -> str:
        """Return a token with `claims` over those that every token has; None leaves one out."""
        now = int(time.time())
        common = {"iss": self.url, "aud": "pypi", "iat": now, "nbf": now, "exp": now + 300}
        given = {**common, "jti": uuid.uuid4().hex, **(github_claims() if claims is None else claims)}
        said = {name: value for name, value in given.items() if value is not None}
        signer = key or self.key
        written = {"alg": "RS256", "typ": "JWT", "kid": signer.kid, **(header or {})}
        written = {name: value for name, value in written.items() if value is not None}
        return jwt.encode(written, said, signer, algorithms=[written["alg"]])

    def answer(self, path: str, query: str, authorization: str) -> tuple[int, Any]:
        """Return the status and the content for a request."""
        self.asked[path] += 1
        if not self.hold.is_set():
            self.arrived.set()
            self.hold.wait(_LONGEST)
        if self.down:
            return 503, {}
        if path == "/token":
            if authorization.lower() != f"bearer {REQUEST_TOKEN}":
                return 401, {}
            audience = parse_qs(query).get("audience", ["nobody"])[0]
            return 200, {"value": self.token({**self.claims, "aud": audience})}
        return (200, self.documents[path]) if path in self.documents else (404, {})

    def _publish_keys(self) -> None:
        keys = [key.as_dict(private=False) for key in (self.key, self.elliptic)]
        self.documents["/keys"] = {"keys": keys}
        self.documents["/.well-known/openid-configuration"] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
        }


def _handler(issuer: FakeIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.do_GET()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, content = issuer.answer(parts.path, parts.query, self.headers.get("Authorization", ""))
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if isinstance(content, dict) and "location" in content:
                self.send_header("Location", content["location"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
