"""An index with something to look at: people, projects, a follower of another index, hostile READMEs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyramid.paster import get_appsettings

from pyramid_pypi.app import compose
from pyramid_pypi.model import Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.settings import load, plugin_names
from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from pyramid_pypi.testing.upstreams import FakeUpstream
from tests.clients.people import ANN, BOB
from tests.clients.releases import wheel_name
from tests.live import LiveServer, post_file, write_htpasswd, write_ini

__all__ = ["DAVE", "HOSTILE", "PEOPLE", "open_showroom"]

DAVE = ("dave", "manager")
"""Does everything in `private` and `stable`."""

PEOPLE = {"reader": BOB, "uploader": ANN, "manager": DAVE}

_README = """\
# Holy Grail

Finds cups in ruined castles, and tells them from the *other* cups.

```python
from holy_grail import Quest

quest = Quest(knights=4)
quest.begin(shout="Ni!")  # in any forest
```

## What it can do

* Count to three, no more and no less.
* Cross bridges:

| question | answer | what happens |
|---|---|---|
| What is your name? | Sir Lancelot | you may pass |
| What is your quest? | To seek the Holy Grail | you may pass |
| What is your favourite colour? | Blue. No, yel- | you may not |

Read [the manual](https://holy-grail.example.org/manual). Bring a `shrubbery`, one that looks nice, and not too
expensive.
"""
_NEEDS = ["shrubbery", "six>=1.16"]
_SAID = (
    "Author: Tim the Enchanter",
    "License-Expression: MIT",
    "Keywords: cups,castles,rabbits",
    "Classifier: Development Status :: 5 - Production/Stable",
    "Classifier: Programming Language :: Python :: 3",
    "Project-URL: Source, https://code.example.org/holy-grail",
    "Project-URL: Documentation, https://holy-grail.example.org/manual",
    "Description-Content-Type: text/markdown",
)

_MARKDOWN = """\
# <script>ran("heading")</script>

<script>ran("script")</script>
<img src="x" onerror="ran('onerror')">
<svg onload="ran('svg')"><script>ran("svg script")</script><a xlink:href="javascript:ran('xlink')">in a picture</a></svg>
<iframe srcdoc="<script>parent.ran('srcdoc')</script>"></iframe>
<object data="data:text/html,<script>ran('object')</script>"></object>
<details open ontoggle="ran('toggle')"><summary>more</summary></details>
<style>@import "x"; body { display: none }</style>
<form action="/logout" method="post"><button name="q" id="main">Win</button></form>
<math><mtext><table><mglyph><style><img src=x onerror="ran('mutation')"></style></mglyph></table></mtext></math>
<base href="https://evil.example.org/"><meta http-equiv="refresh" content="0;url=javascript:ran('refresh')">
<div style="position: fixed; inset: 0">Cover</div><input autofocus onfocus="ran('focus')">

[click](javascript:ran('link')) [click](JaVaScRiPt&colon;ran('entity')) [click](data:text/html,<script>ran('data')</script>)
[click]( java\tscript:ran('tab')) <a href="\x01javascript:ran('control')">click</a> <a href="vbscript:ran(1)">click</a>
![picture](javascript:ran('picture')) <javascript:ran('auto')>
"""
_RST = """\
Hostile
=======

.. raw:: html

   <script>ran("raw")</script>

.. image:: javascript:ran('image')
   :target: javascript:ran('target')

.. include:: /etc/passwd

`click <javascript:ran('link')>`_ and `click <JAVASCRIPT:ran('upper')>`__

.. |name| raw:: html

   <img src=x onerror="ran('substitution')">

|name|
"""
_TABLE = "\n".join(
    ["|" + "column|" * 40, "|" + "---|" * 40, *("|" + f"{'x' * 30}{row}|" * 40 for row in range(150))]
)

HOSTILE = {
    "hostile-markdown": ("text/markdown", _MARKDOWN),
    "hostile-rst": ("text/x-rst", _RST),
    "hostile-text": ("text/plain", _MARKDOWN),
    "hostile-kind": ("text/html; charset=<script>", _MARKDOWN),
    "hostile-table": ("text/markdown", _TABLE),
    "hostile-width": ("text/markdown", f"{'w' * 5_000} `{'c' * 5_000}`\n\n    {'p' * 5_000}\n"),
}
"""READMEs that want to do more than to be read, by project: their format and their text."""


@contextmanager
def open_showroom(folder: Path, *, hostile: bool = True) -> Iterator[LiveServer]:
    """Serve the index from `folder`, as long as the context lasts. Raises AssertionError on a 500.

    `hostile` tells whether there are hostile READMEs too.
    """
    with FakeUpstream() as upstream:
        upstream.add(wheel_name("camelot", "2.1"), make_wheel("camelot", "2.1", summary="It is only a model"))
        ini = write_ini(folder / "index.ini", _settings(folder, upstream.url))
        with LiveServer(ini, folder / "log") as server:
            _publish(server, HOSTILE if hostile else {})
            _manage(ini)
            yield server
        problems = server.problems()
    assert not problems, "\n".join(problems)


def _settings(folder: Path, upstream: str) -> dict[str, str]:
    write_htpasswd(folder, *PEOPLE.values())
    hosted = {
        f"pypi.repo.{name}{key}": value
        for name in ("private", "stable", "team")
        for key, value in (("", "hosted"), (".storage", "filesystem"), (".storage.path", f"{folder}/{name}"))
    }
    return {
        "pypi.data": str(folder),
        "pypi.catalog": "sqlite:///catalog.db",
        "pypi.authenticators": "tokens htpasswd",
        "pypi.auth.htpasswd.path": "htpasswd",
        "pypi.repositories": "private stable team pypi all",
        "pypi.default": "private",
        **hosted,
        "pypi.repo.private.description": "What we make",
        "pypi.repo.private.read": "everyone",
        "pypi.repo.private.upload": "user:ann user:dave",
        "pypi.repo.private.yank": "user:dave",
        "pypi.repo.private.delete": "user:dave",
        "pypi.repo.private.manage": "user:dave",
        "pypi.repo.private.ownership": "first-uploader",
        "pypi.repo.stable.description": "What others may build upon",
        "pypi.repo.stable.read": "everyone",
        "pypi.repo.stable.upload": "user:dave",
        "pypi.repo.stable.manage": "user:dave",
        "pypi.repo.team.read": "authenticated",
        "pypi.repo.team.upload": "user:ann",
        "pypi.repo.pypi": "proxy",
        "pypi.repo.pypi.upstream": "simple",
        "pypi.repo.pypi.upstream.url": upstream,
        "pypi.repo.pypi.upstream.proxy": "none",
        "pypi.repo.pypi.read": "everyone",
        "pypi.repo.all": "group",
        "pypi.repo.all.members": "private pypi",
        "pypi.repo.all.publish": "private",
        "pypi.repo.all.read": "everyone",
    }


def _publish(server: LiveServer, hostile: Mapping[str, tuple[str, str]]) -> None:
    ann = server.at("/", *ANN)
    for version in ("0.9", "1.0", "1.1", "1.2", "2.0rc1"):
        _put(
            ann, "holy-grail", version, _README, summary="Finds cups in ruined castles", requires_dist=_NEEDS
        )
    sdist = make_sdist("holy-grail", "1.2", metadata_lines=(*_SAID, "", _README), summary="Finds cups")
    assert post_file(ann, "holy_grail-1.2.tar.gz", sdist) == (200, "")
    for name, summary in (
        ("shrubbery", "One that looks nice, and not too expensive"),
        ("coconut", "Horses for those who have none"),
        ("swallow", "Carries coconuts; African or European"),
        ("knights", "They say Ni"),
    ):
        needs = [*_NEEDS, *(["holy-grail>=1.0"] if name == "knights" else [])]
        _put(ann, name, "1.0", f"# {name}\n\n{summary}.\n", summary=summary, requires_dist=needs)
    for name, (kind, text) in hostile.items():
        lines = (f"Description-Content-Type: {kind}", f"Keywords: <script>ran('{name}')</script>", "", text)
        content = make_wheel(name, "1.0", metadata_lines=lines, summary=f"<script>ran('{name}')</script>")
        assert post_file(ann, wheel_name(name, "1.0"), content) == (200, "")
    team = server.at("/team/", *ANN)
    assert post_file(team, wheel_name("secret-sauce", "1.0"), make_wheel("secret-sauce", "1.0")) == (200, "")


def _put(url: str, name: str, version: str, readme: str, **options: Any) -> None:
    lines = (*_SAID, "", readme)
    content = make_wheel(name, version, metadata_lines=lines, requires_python=">=3.11", **options)
    assert post_file(url, wheel_name(name, version), content) == (200, "")


def _manage(ini: Path) -> None:
    """Yank a release and deprecate a project, as on the machine of the index."""
    settings = get_appsettings(str(ini))
    plugins = Plugins.load(plugin_names(settings))
    index = compose(load(settings, plugins), plugins)
    try:
        repository = index.served("private").hosted
        operator = Identity.operator("dave")
        for file in repository.project("holy-grail").files:
            if file.version == "1.0":
                repository.yank(file, "It finds the wrong cup", operator)
        repository.set_status("coconut", "deprecated", "Use real horses", operator)
    finally:
        index.close()
