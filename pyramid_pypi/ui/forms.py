"""Forms that our own pages have sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pyramid_pypi.auth.basic import has_controls
from pyramid_pypi.errors import BadRequest, Forbidden
from pyramid_pypi.web.bodies import read_body
from pyramid_pypi.web.context import index_of
from pyramid_pypi.web.foreign import refuse_foreign_page
from pyramid_pypi.web.sessions import accept_form

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["Form", "read_form"]

_MOST_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; those that were left empty are there too."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """Return a field, the first one if there are several, empty where there is none."""
        return self.fields.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self.fields.get(name, [])


def read_form(request: "Request") -> Form:
    """Return the form that a browser sends, after making sure that it is one of ours.

    From then on the browser's session counts in this request, so ask who it is afterwards.
    Raises BadRequest for what is no form, TooLarge for more than 64 KiB, and Forbidden for a form
    without the token that our page gave to this browser.
    """
    environ = request.environ
    refuse_foreign_page(environ, index_of(request).settings.base_url)
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise BadRequest("This takes the form of our page, as application/x-www-form-urlencoded")
    form = Form(_parse(read_body(request)))
    if not accept_form(request, form.one("csrf")):
        raise Forbidden(
            "This form is out of date, or the browser keeps no cookies: load the page again and send it again"
        )
    return form


def _parse(body: bytes) -> dict[str, list[str]]:
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:  # UnicodeError is one
        raise BadRequest("The form cannot be read") from error
    if any(has_controls(text) for name, values in fields.items() for text in (name, *values)):
        raise BadRequest("A field of the form has control characters")
    return fields
