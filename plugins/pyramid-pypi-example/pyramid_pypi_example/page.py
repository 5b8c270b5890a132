"""A page of the plugin's own: `/-/example`, for those who have `manage` on a repository."""

from typing import TYPE_CHECKING, Any

from pyramid_pypi.web.context import Operation

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from pyramid_pypi_example.watch import Watch

__all__ = ["add_page"]


def add_page(config: "Configurator", watch: "Watch") -> None:
    """Add the route and its view.

    A route whose name begins with `pypi.` is under the index's own login, and its factory answers
    who has `manage`. The path begins with `/-/`, which no project and no repository can be called.
    """

    def show(context: Operation, request: Any) -> dict[str, object]:  # noqa: ARG001
        return {"prefix": watch.options.prefix, "embargo": sorted(watch.embargo), "counts": watch.counts()}

    config.add_route("pypi.example", "/-/example", factory=Operation.of)
    config.add_view(show, route_name="pypi.example", permission="manage", renderer="json")
