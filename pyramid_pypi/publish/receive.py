"""Taking a multipart form off the wire, with the file hashed on its way to the disk.

Source: RFC 7578 and the legacy upload API that all upload tools speak.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from pyramid_pypi.errors import BadRequest, InvalidUpload, TooLarge
from pyramid_pypi.model import Hashes
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.reading import CHUNK, Hasher

__all__ = ["FIELDS", "ReceivedFile", "ReceivedForm", "receive"]

FIELDS = frozenset(
    {
        ":action",
        "blake2_256_digest",
        "comment",
        "filetype",
        "md5_digest",
        "metadata_version",
        "name",
        "protocol_version",
        "pyversion",
        "sha256_digest",
        "version",
    }
)
"""The fields that are kept. The rest of the metadata is read from the file itself."""

_MAX_PARTS = 20_000
_MAX_KEPT_FIELD = 64 * 1024
_MAX_TEXT = 32 * 1024 * 1024
_MAX_SIGNATURE = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """The file of the form: the name that the client gave, unchecked, and what arrived."""

    filename: str
    size: int
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """The text fields that matter, each with its one value, and the file."""

    fields: Mapping[str, str]
    content: ReceivedFile | None
    signature: bytes | None = None

    def get(self, name: str) -> str:
        """Return the value of a field, empty when it is absent or says UNKNOWN."""
        value = self.fields.get(name, "")
        return "" if value == "UNKNOWN" else value


@dataclass(slots=True)
class _Part:
    """One part of the form that is arriving."""

    name: str
    filename: str | None
    is_file: bool
    size: int = 0
    chunks: list[bytes] = field(default_factory=list)


def receive(
    read: Callable[[int], bytes], content_type: str, *, staged: StagedFile, limit: int
) -> ReceivedForm:
    """Read a form to its end; the file goes to `staged`, at most `limit` bytes of it.

    Raises BadRequest for a form that cannot be read, TooLarge, StorageFull.
    """
    collector = _Collector(staged, limit)
    try:
        parser = PushMultipartParser(
            _boundary(content_type),
            max_segment_count=_MAX_PARTS,
            max_header_size=4096,
            strict=True,
        )
        while chunk := read(CHUNK):
            for event in parser.parse(chunk):
                collector.take(event)
        parser.close()
    except MultipartError as error:
        raise BadRequest(f"The form cannot be read: {error}; send it again") from error
    except OSError as error:
        raise BadRequest("The form was cut off before its end; send it again") from error
    return collector.form()


class _Collector:
    """Puts the events of the parser together."""

    def __init__(self, staged: StagedFile, limit: int) -> None:
        self._staged = staged
        self._limit = limit
        self._text = 0
        self._part: _Part | None = None
        self._hasher = Hasher()
        self._fields: dict[str, str] = {}
        self._content: ReceivedFile | None = None
        self._signature: bytes | None = None

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Take a part's head, some of its bytes, or its end."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._part is None:
            return
        elif event is None:
            self._end(self._part)
        else:
            self._data(self._part, bytes(event))

    def form(self) -> ReceivedForm:
        """Return what has arrived."""
        return ReceivedForm(self._fields, self._content, self._signature)

    def _begin(self, segment: MultipartSegment) -> None:
        name = segment.name or ""
        is_file = name == "content"
        if is_file:
            if self._content is not None:
                raise BadRequest("The form has two files; send one file at a time")
            # The parser takes a client's folders off the name; a name with folders is refused.
            if "\\" in segment.header("Content-Disposition", ""):
                raise InvalidUpload("The file name must not contain '/' or '\\'")
            if segment.filename is None:
                raise BadRequest("The field 'content' must be a file with a name")
        self._part = _Part(name, segment.filename, is_file)

    def _data(self, part: _Part, chunk: bytes) -> None:
        part.size += len(chunk)
        if part.is_file:
            if part.size > self._limit:
                raise TooLarge(f"The file is larger than {self._limit} bytes, the limit of this index")
            self._hasher.update(chunk)
            self._staged.write(chunk)
            return
        self._text += len(chunk)
        if self._text > _MAX_TEXT:
            raise TooLarge(f"The text fields are larger than {_MAX_TEXT} bytes together")
        if part.name in FIELDS or part.name == "gpg_signature":
            if part.size > _MAX_KEPT_FIELD:
                raise TooLarge(f"The field {part.name!r} is larger than {_MAX_KEPT_FIELD} bytes")
            part.chunks.append(chunk)

    def _end(self, part: _Part) -> None:
        self._part = None
        if part.is_file:
            filename = part.filename or ""
            self._content = ReceivedFile(filename, part.size, self._hasher.hashes())
        elif part.name == "gpg_signature":
            self._signature = b"".join(part.chunks)
        elif part.name in FIELDS:
            self._keep(part)

    def _keep(self, part: _Part) -> None:
        if part.filename is not None:
            raise BadRequest(f"The field {part.name!r} must be text and not a file")
        try:
            value = b"".join(part.chunks).decode()
        except UnicodeDecodeError as error:
            raise BadRequest(f"The field {part.name!r} is not UTF-8 text") from error
        if self._fields.setdefault(part.name, value) != value:
            raise BadRequest(f"The field {part.name!r} comes twice, with different values")


def _boundary(content_type: str) -> str:
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise BadRequest("Uploads must be sent as multipart/form-data")
    boundary: str = options.get("boundary", "")
    if not boundary or not boundary.isascii() or len(boundary) > 200:
        raise BadRequest("The Content-Type header of the form has no usable boundary")
    return boundary
