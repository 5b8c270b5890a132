"""axe-core, which finds what people with a screen reader or without a mouse cannot use."""

import functools
import subprocess
from typing import Any

from playwright.sync_api import Page

from tests.clients.toolbox import CACHE, ToolMissing, Toolbox, make_once

__all__ = ["violations"]

_PACKAGE = "axe-core@4.14.1"
_RUN = """
() => axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.map((one) => ({
  impact: one.impact, id: one.id, help: one.help, nodes: one.nodes.map((node) => node.html.slice(0, 200)),
})))
"""


def violations(page: Page) -> list[str]:
    """Return the serious and critical violations on a page, each with the elements that are wrong.

    The debugger runs it, whom the policy of the page does not concern.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [
        f"{one['impact']}: {one['help']} ({one['id']}): {' '.join(one['nodes'][:3])}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@functools.cache
def _source() -> str:
    """Return the program, which is fetched once."""
    folder = CACHE / "axe-core"
    with make_once(folder, _PACKAGE) as missing:
        if missing:
            folder.mkdir()
            (folder / "package.json").write_text("{}")
            npm = str(Toolbox().program("npm"))
            command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", _PACKAGE]
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
            if done.returncode:
                raise ToolMissing(f"npm: {done.stderr.decode(errors='replace')[-2000:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
