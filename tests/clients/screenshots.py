"""Makes the pictures of the documentation anew: `python -m tests.clients.screenshots`."""

import tempfile
from pathlib import Path

from tests.clients.showroom import PEOPLE, open_showroom
from tests.clients.window import launch, log_in

__all__ = ["main"]

_FOLDER = Path(__file__).parents[2] / "docs" / "images"
_LARGEST = 120_000
_NAME = "pypi.example.org"

_PICTURES = (
    ("project", "/project/holy-grail/", "light", 720),
    ("overview", "/", "dark", 1280),
    ("manage", "/project/holy-grail/-/manage?version=0.9", "light", 720),
)
"""Names of files, pages, lights and heights in pixels."""


def main() -> None:
    """Write each picture. Raises AssertionError for one of more than 120 kB."""
    _FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_showroom(Path(folder), hostile=False) as site,
        # The name of the pictures, and buttons that browsers only show on secure pages.
        launch(
            f"--host-resolver-rules=MAP {_NAME} {site.host}",
            f"--unsafely-treat-insecure-origin-as-secure=http://{_NAME}",
        ) as browser,
    ):
        for name, path, scheme, height in _PICTURES:
            context = browser.new_context(
                base_url=f"http://{_NAME}", color_scheme=scheme, viewport={"width": 1000, "height": height}
            )
            page = context.new_page()
            page.goto("/login")
            log_in(page, *PEOPLE["manager"])
            page.goto(path)
            target = _FOLDER / f"{name}.png"
            page.screenshot(path=target)
            context.close()
            size = target.stat().st_size
            assert size < _LARGEST, f"{target} has {size} bytes"
            print(target, size)


if __name__ == "__main__":
    main()
