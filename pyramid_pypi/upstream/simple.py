"""The upstream kind `simple`: an index that has the simple API, as JSON (PEP 691) or as HTML (PEP 503)."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from pyramid_pypi.errors import FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import File
from pyramid_pypi.options import Seconds, Secret, Size
from pyramid_pypi.upstream.allowed import AllowedHosts, Target
from pyramid_pypi.upstream.answers import Answer, http_date
from pyramid_pypi.upstream.base import NameList, Transfer, UpstreamPage, Validator
from pyramid_pypi.upstream.client import Client, Limits, Request
from pyramid_pypi.upstream.connections import Connections, Tls
from pyramid_pypi.upstream.credentials import Authorization, basic, bearer, from_netrc, split_userinfo
from pyramid_pypi.upstream.names import parse_names
from pyramid_pypi.upstream.pages import parse_page
from pyramid_pypi.upstream.proxies import Proxies

__all__ = ["SimpleUpstream"]

_PAGE_HEADERS = {
    "Accept": (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
    ),
    "Accept-Encoding": "gzip",
}
_METADATA_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip"}
# A packed answer to a request for a range would be a range of the packed bytes.
_FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_MAX_NAMES = 512 * 2**20
# The list of a whole index takes longer than a page.
_NAMES_TAKE = 10
_MAX_METADATA = 8 * 2**20
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")


class SimpleUpstream:
    """Asks an index with the simple API, and the hosts where its files are.

    Redirects and the URLs of files are followed to the index itself and to `hosts`, and for
    pypi.org and test.pypi.org to their hosts of files. Credentials and the client certificate are
    shown to the index alone, that is to scheme, host and port of `url`.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """Where the index is, who we are to it, and how long to wait.

        One of these says who we are: `user` with `password`, `token`, `netrc`, or a user and a
        password in `url`. A `proxy` that is set is used for every host; without it HTTP_PROXY,
        HTTPS_PROXY and NO_PROXY of the environment count, and `none` is for no proxy.
        """

        url: str = field(metadata={"help": "the index, such as https://pypi.org/simple/"})
        user: str | None = field(default=None, metadata={"help": "the user for Basic authentication"})
        password: Secret | None = field(default=None, metadata={"help": "the password of the user"})
        token: Secret | None = field(default=None, metadata={"help": "a bearer token"})
        netrc: Path | None = field(
            default=None, metadata={"help": "a netrc file with user and password; without it none is read"}
        )
        ca: Path | None = field(
            default=None, metadata={"help": "certificates in PEM to trust besides those of the system"}
        )
        client_cert: Path | None = field(
            default=None, metadata={"help": "a certificate in PEM that is shown to the index"}
        )
        client_key: Path | None = field(
            default=None, metadata={"help": "the key of client_cert, if that file does not have it"}
        )
        proxy: str | None = field(
            default=None,
            repr=False,
            metadata={"help": "http://host:port, or `none`; without it the environment counts"},
        )
        hosts: tuple[str, ...] = field(
            default=(),
            metadata={"help": "more hosts to follow the index to: host, host:port or *.example.org"},
        )
        connect_timeout: Seconds = field(default=5, metadata={"help": "how long a connection may take"})
        read_timeout: Seconds = field(default=10, metadata={"help": "how long the upstream may be silent"})
        total_timeout: Seconds = field(
            default=60,
            metadata={"help": "how long one page may take; the list of all projects ten times as long"},
        )
        max_page: Size = field(default=64 * 2**20, metadata={"help": "the largest page, unpacked"})
        connections: int = field(
            default=16,
            metadata={"help": "connections to one host at a time, for pages, and as many for files"},
        )

        def __post_init__(self) -> None:
            """Move credentials out of `url`, and try everything. Raises ValueError."""
            url, userinfo = split_userinfo(self.url)
            if userinfo:
                if self.user is not None or self.password is not None:
                    raise ValueError("a user is in `url` and in `user`; write one of them")
                object.__setattr__(self, "user", userinfo[0])
                object.__setattr__(self, "password", Secret(userinfo[1]))
            object.__setattr__(self, "url", url.rstrip("/") + "/")
            for name in ("connect_timeout", "read_timeout", "total_timeout", "max_page", "connections"):
                if getattr(self, name) <= 0:
                    raise ValueError(f"`{name}` must be more than 0")
            if self.client_key and not self.client_cert:
                raise ValueError("`client_key` needs `client_cert`")
            own = _own(self.url)
            AllowedHosts(own, self.hosts)
            _authorization(self, own)
            if self.ca or self.client_cert:
                _tls(self).context(show_certificate=True)
            Proxies.read(self.proxy)

    def __init__(self, options: Options, *, sleep: Callable[[float], None] = time.sleep) -> None:
        own = _own(options.url)
        self._options = options
        self._own = own
        self._allowed = AllowedHosts(own, options.hosts)
        connections = Connections(
            own,
            self._allowed.check_address,
            tls=_tls(options),
            proxies=Proxies.read(options.proxy),
            size=options.connections,
        )
        limits = Limits(options.connect_timeout, options.read_timeout, options.total_timeout)
        self._client = Client(
            self._allowed, _authorization(options, own), connections, limits=limits, sleep=sleep
        )

    def project(self, name: str, validator: Validator | None = None) -> UpstreamPage | None:
        """See the contract."""
        due = self._client.due()
        request = _page_request(self.page_url(name), f"project {name!r}", validator)
        answer = self._client.get(replace(request, missing=ProjectNotFound), due=due)
        if answer.status == 304:
            answer.discard()
            return None
        body = b"".join(answer.decoded(self._options.max_page, due=due))
        kind = answer.header("Content-Type")
        page = parse_page(body, content_type=kind, url=answer.target.url, name=name)
        return replace(page, validator=_validator(answer))

    def projects(self, validator: Validator | None = None) -> NameList | None:
        """See the contract."""
        due = time.monotonic() + _NAMES_TAKE * self._options.total_timeout
        answer = self._client.get(_page_request(self._own.url, "its list of projects", validator))
        if answer.status == 304:
            answer.discard()
            return None
        body = answer.decoded(_MAX_NAMES, due=due)
        names = parse_names(body, content_type=answer.header("Content-Type"))
        return NameList(names, _validator(answer))

    def metadata(self, file: File) -> bytes:
        """See the contract."""
        due = self._client.due()
        target = self._allowed.target(file.url)
        request = Request(
            replace(target, path=f"{target.path}.metadata").url,
            f"metadata of {file.filename}",
            _METADATA_HEADERS,
            missing=FileMissing,
        )
        return b"".join(self._client.get(request, due=due).decoded(_MAX_METADATA, due=due))

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        """See the contract. Raises ValueError for no bytes, and for a `stop` after a negative `start`."""
        asked = _range(start, stop)
        request = Request(
            file.url,
            f"file {file.filename}",
            {**_FILE_HEADERS, **({"Range": asked} if asked else {})},
            lane="file",
            missing=FileMissing,
            expected=frozenset({200, 206} if asked else {200}),
        )
        answer = self._client.get(request)
        try:
            return _transfer(answer, file.filename, start, stop)
        except UpstreamUnavailable:
            answer.close()
            raise

    def page_url(self, name: str) -> str:
        """See the contract."""
        return f"{self._own.url}{quote(name, safe='')}/"

    def file_url(self, file: File) -> str:
        """See the contract."""
        return self._allowed.target(file.url).url

    def close(self) -> None:
        """See the contract."""
        self._client.close()


def _own(url: str) -> Target:
    """Return where the index is. Raises ValueError."""
    try:
        own = Target.parse(url)
    except ValueError as error:
        raise ValueError(f"the URL of the index is not usable: {error}") from error
    if own.query or "#" in url:
        raise ValueError("the URL of the index has a query or a fragment; write it without")
    return own


def _authorization(options: SimpleUpstream.Options, own: Target) -> Authorization:
    """Return who we are to the index. Raises ValueError when that is said twice, or not wholly."""
    password = options.password.reveal() if options.password else ""
    if options.password and options.user is None:
        raise ValueError("`password` needs `user`; for an access token that is often __token__")
    ways = [options.user is not None, options.token is not None, options.netrc is not None]
    if ways.count(True) > 1:
        raise ValueError("only one of `user`, `token` and `netrc` can say who we are")
    value = ""
    if options.user is not None:
        value = basic(options.user, password)
    elif options.token is not None:
        value = bearer(options.token.reveal())
    elif options.netrc is not None:
        value = basic(*from_netrc(options.netrc, own.host))
    return Authorization(own.origin, value)


def _tls(options: SimpleUpstream.Options) -> Tls:
    return Tls(options.ca, options.client_cert, options.client_key)


def _page_request(url: str, what: str, validator: Validator | None) -> Request:
    """Return a request for a page, that is conditional where there is a validator (RFC 9110 §13.1)."""
    known = validator or Validator()
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    present = {name: value for name, value in conditions.items() if value}
    expected = frozenset({200, 304} if present else {200})
    return Request(url, what, {**_PAGE_HEADERS, **present}, expected=expected)


def _validator(answer: Answer) -> Validator:
    return Validator(answer.header("ETag"), answer.header("Last-Modified"))


def _range(start: int, stop: int | None) -> str:
    """Return the value of the header `Range` (RFC 9110 §14.1.2), empty for the whole file."""
    if stop is not None and (start < 0 or stop <= start):
        raise ValueError(f"there is no range from {start} to {stop}")
    if start < 0:
        return f"bytes={start}"
    if stop is not None:
        return f"bytes={start}-{stop - 1}"
    return f"bytes={start}-" if start else ""


def _transfer(answer: Answer, filename: str, start: int, stop: int | None) -> Transfer:
    """Return the bytes of an answer. Raises UpstreamUnavailable when they are not those asked for."""
    if answer.header("Content-Encoding").lower() not in ("", "identity"):
        raise UpstreamUnavailable(f"The upstream {answer.target.netloc} sends {filename} in another coding")
    first, size, length = 0, answer.size, answer.size
    if answer.status == 206:
        found = _CONTENT_RANGE.fullmatch(answer.header("Content-Range"))
        if not found:
            raise _wrong_range(answer, filename)
        first, last = int(found[1]), int(found[2])
        size = None if found[3] == "*" else int(found[3])
        length = last - first + 1
        if not _is_asked(first, last, size, start, stop):
            raise _wrong_range(answer, filename)
    chunks = answer.chunks() if length is None else _exactly(answer, length, filename)
    return Transfer(chunks, size, first, http_date(answer.header("Last-Modified")), answer.close)


def _is_asked(first: int, last: int, size: int | None, start: int, stop: int | None) -> bool:
    """Tell whether a part of a file, from its first to its last byte, is the one that was asked for."""
    if size is None:
        return first <= last and (start < 0 or (first == start and (stop is None or last < stop)))
    begin = max(0, size + start) if start < 0 else start
    end = size if stop is None else min(size, stop)
    return (first, last) == (begin, end - 1) and first <= last


def _wrong_range(answer: Answer, filename: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        f"The upstream {answer.target.netloc} sends another part of {filename} than it was asked for"
    )


def _exactly(answer: Answer, length: int, filename: str) -> Iterator[bytes]:
    """Yield the body. Raises UpstreamUnavailable when it is not `length` bytes long."""
    left = length
    for chunk in answer.chunks():
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise UpstreamUnavailable(
            f"The upstream {answer.target.netloc} announces {length} bytes of {filename} and sends others"
        )
