"""Calls and answers of XML-RPC as text; the parser is the standard library's, with limits around it."""

from xmlrpc.client import ExpatParser, Fault, Unmarshaller, dumps

from pyramid_pypi.web.xmltext import legal

__all__ = [
    "APPLICATION",
    "INVALID_PARAMETERS",
    "METHOD_NOT_FOUND",
    "CallFault",
    "number",
    "read_call",
    "write_fault",
    "write_result",
]

# The codes that PyPI answers with, which are those of the "fault code interoperability" note.
PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601
INVALID_PARAMETERS = -32602
APPLICATION = -32500

_DEEPEST = 32
_LARGEST_INT = 2**31 - 1


class CallFault(Exception):
    """A call that cannot be answered, with a code and a sentence for who has sent it."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class _Reader(Unmarshaller):
    """Reads elements up to a depth, since a few bytes can nest very deeply."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        """Go down."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CallFault(PARSE_ERROR, f"The call has elements within elements, more than {_DEEPEST} deep")
        super().start(tag, attrs)

    def end(self, tag: str) -> None:
        """Go up."""
        self._depth -= 1
        super().end(tag)


def read_call(body: bytes) -> tuple[str, tuple[object, ...]]:
    """Return the method and the parameters of a call. Raises CallFault."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise CallFault(PARSE_ERROR, "The call is not UTF-8") from error
    if "<!" in text:
        raise CallFault(PARSE_ERROR, "A call has no DOCTYPE, no entities, no comments and no CDATA")
    reader = _Reader()
    try:
        # Expat takes text for what it is, whatever encoding it declares itself.
        parser = ExpatParser(reader)
        parser.feed(text)
        parser.close()
        parameters, method = reader.close(), reader.getmethodname()
    except CallFault:
        raise
    except Exception as error:
        # What the parser and the types of XML-RPC raise for wrong values is nowhere written down.
        raise CallFault(PARSE_ERROR, "The call is not XML-RPC") from error
    if not method:
        raise CallFault(PARSE_ERROR, "The call names no method")
    return method, parameters


def write_result(result: object) -> str:
    """Return the answer with the result of a call; None is `nil`."""
    return legal(dumps((result,), methodresponse=True, allow_none=True))  # type: ignore[arg-type]


def write_fault(fault: CallFault) -> str:
    """Return the answer that tells what is wrong."""
    return legal(dumps(Fault(fault.code, fault.sentence), methodresponse=True))


def number(value: int) -> int | float:
    """Return an integer of XML-RPC, which has 32 bits, or else a double."""
    return value if -_LARGEST_INT <= value <= _LARGEST_INT else float(value)
