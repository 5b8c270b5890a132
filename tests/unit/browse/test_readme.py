"""READMEs as HTML that can do no harm, whoever wrote them."""

import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyramid_pypi.browse.facts import MetadataFacts
from pyramid_pypi.browse.readme import LONGEST, render
from pyramid_pypi.browse.workshop import Workshop, workshop_of

MARKDOWN = "text/markdown"
RST = "text/x-rst"


def shown(text, content_type=MARKDOWN):
    return str(render(MetadataFacts(description=text, description_content_type=content_type)))


def test_markdown_is_rendered():
    html = shown("Find *the* **grail**.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~no~~\n")

    assert "<em>the</em> <strong>grail</strong>" in html
    assert "<td>1</td>" in html
    assert "<del>no</del>" in html


def test_commonmark_has_no_tables():
    assert "<table>" not in shown("| a |\n|---|\n| 1 |\n", "text/markdown; variant=CommonMark")


@pytest.mark.parametrize("content_type", [RST, ""])
def test_restructured_text_is_rendered_and_is_what_nothing_is_said_of(content_type):
    assert "<em>grail</em>" in shown("A *grail*.\n", content_type)


def test_plain_text_stays_as_it_is():
    assert (
        shown("a <b>*x*</b>", "text/plain")
        == '<pre class="plain" tabindex="0">a &lt;b&gt;*x*&lt;/b&gt;</pre>'
    )


def test_an_unknown_type_is_shown_as_text_if_it_is_no_restructured_text():
    assert shown("`a <b>", "text/asciidoc") == '<pre class="plain" tabindex="0">`a &lt;b&gt;</pre>'


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_shown_for_nothing(text):
    assert shown(text) == ""


def test_code_is_coloured():
    assert '<span class="k">def</span>' in shown("```python\ndef f(): pass\n```\n")


def test_headings_are_below_those_of_the_page():
    html = shown("# One\n\n## Two\n\n##### Five\n")

    assert re.findall(r"<h(\d)", html) == ["3", "4", "6"]


def test_pictures_are_links():
    html = shown("![a <b> logo](https://example.org/x.png)\n")

    assert "<img" not in html
    assert 'href="https://example.org/x.png"' in html
    assert "a &lt;b&gt; logo</a>" in html


def test_a_picture_in_a_link_is_its_text():
    html = shown("[![tests](https://example.org/x.svg)](https://ci.example.org/)\n")

    assert html.count("<a ") == 1
    assert 'href="https://ci.example.org/"' in html
    assert "x.svg" not in html


def test_ticked_boxes_are_signs():
    html = shown("- [x] done\n- [ ] open\n")

    assert "<input" not in html
    assert "\u2611" in html
    assert "\u2610" in html


def test_links_say_that_they_lead_to_strangers():
    assert 'rel="nofollow noopener noreferrer"' in shown("[x](https://example.org/)")


def test_links_within_the_text_stay_there():
    html = shown("# Some Part\n\n[to it](#some-part)\n")

    assert '<h3 id="user-content-some-part">' in html
    assert html.count('href="#user-content-some-part"') == 1


def test_links_to_files_of_the_authors_lead_nowhere():
    assert "href" not in shown("[x](docs/x.md) [y](/etc) [z](//evil.example/)")
    assert "href" not in shown("[x](-/manage?done=deleted&x=:) [y](//evil.example:80/) ![z](/etc:x)")


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "event": '<img src=x onerror="alert(1)"> <p onclick=alert(1)>x</p>',
    "link": '[x](javascript:alert%281%29) <a href="JaVaScRiPt:alert(1)">y</a> <a href="data:text/html,x">z</a>',
    "entities": '<a href="&#106;avascript:alert(1)">x</a>',
    "picture": "![x](javascript:alert(1)) ![y](data:image/svg+xml,x)",
    "svg": "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "math": "<math><mtext><table><mglyph><style><img src onerror=alert(1)></style></table></mtext></math>",
    "style": "<style>* { display: none }</style> <p style='position: fixed'>x</p>",
    "form": "<form action=https://evil.example/><input name=password><button>x</button></form>",
    "frame": "<iframe src=https://evil.example/></iframe> <object data=x></object> <embed src=x>",
    "base": "<base href=https://evil.example/> <meta http-equiv=refresh content=0> <link rel=stylesheet href=x>",
    "comment": "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "template": "<template><script>alert(1)</script></template><noscript><p title='</noscript><script>'>",
    "language": '```"><script>alert(1)</script>\nx\n```',
    "title": '[x](https://example.org "><script>alert(1)</script>)',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_can_run_or_load_or_be_sent(text):
    html = shown(text)

    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert not tags & {
        "script",
        "svg",
        "math",
        "style",
        "form",
        "input",
        "button",
        "iframe",
        "object",
        "base",
    }
    assert not tags & {"img", "embed", "meta", "link", "template", "video", "noscript"}
    attributes = set(re.findall(r"<[a-z0-9]+ ([a-z-]+)=", html)) | set(re.findall(r'" ([a-z-]+)="', html))
    assert attributes <= {"href", "rel", "class", "id", "title", "align", "tabindex"}
    assert not re.search(r'href="(?!https?:|mailto:|#)', html)


def test_nothing_looks_like_a_part_of_the_page():
    html = shown('<div class="skip" id="main"><span class="badge good">x</span><a class="brand">y</a></div>')

    assert "class" not in html
    assert 'id="user-content-main"' in html


def test_restructured_text_includes_nothing_and_has_no_raw_parts(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("swordfish")

    assert "swordfish" not in shown(f".. include:: {secret}\n", RST)
    assert "<script>" not in shown(".. raw:: html\n\n   <script>alert(1)</script>\n", RST)
    assert "swordfish" not in shown(f".. csv-table::\n   :file: {secret}\n", RST)


DEEP = {
    "quotes": ">" * 100_000,
    "quotes-apart": "> " * 50_000,
    "elements": "<div>" * 20_000,
    "markup": "<b a=1><i b=2>" * 500 + "<p>x" * 10_000,
    "unclosed": "<b id=1><i id=2>" * 25 + "<p>x" * (LONGEST // 5),
    "table": "|a" * 2_000 + "|\n" + "|-" * 2_000 + "|\n" + "|b|\n" * 10_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_deep_or_broad_beyond_reason_is_shown_as_text(text):
    started = time.monotonic()

    assert shown(text).startswith('<pre class="plain" tabindex="0">')
    assert time.monotonic() - started < 10


SLOW = {
    "brackets": ("[" * LONGEST, MARKDOWN),
    "stars": ("**a *b_ " * (LONGEST // 8), MARKDOWN),
    "backticks": ("".join("`" * n + "a" for n in range(600)), MARKDOWN),
    "pictures": ("![" * (LONGEST // 2), MARKDOWN),
    "footnotes": ("[^a]: b\n" * (LONGEST // 8), MARKDOWN),
    "code": ("```python\n" + "(" * (LONGEST - 20) + "\n```", MARKDOWN),
    "rst-lists": ("- a\n" * 10_000, RST),
    "rst-nested": ("".join(" " * n + "* a\n\n" for n in range(400)), RST),
    "rst-deep": ("- " * 3_000, RST),
}


@pytest.mark.parametrize(("text", "content_type"), SLOW.values(), ids=SLOW)
def test_what_is_made_to_take_long_does_not(text, content_type):
    started = time.monotonic()
    shown(text, content_type)

    assert time.monotonic() - started < 15


FATAL = {
    # Each of these takes minutes, or overflows the stack of a parser.
    "headings": ("# a\n" * (LONGEST // 4), MARKDOWN),
    "perl": ("```perl\n" + "s{" * (LONGEST // 2 - 10) + "\n```", MARKDOWN),
    "addresses": ("a@b.c " * (LONGEST // 6), MARKDOWN),
}


@pytest.mark.parametrize(("text", "content_type"), FATAL.values(), ids=FATAL)
def test_what_makes_a_parser_hang_or_fall_over_is_shown_as_text(text, content_type):
    started = time.monotonic()

    assert shown(text, content_type).startswith('<pre class="plain" tabindex="0">')
    assert time.monotonic() - started < 20
    assert "<em>next</em>" in shown(f"the *next* one after {text[:20]!r}")


@pytest.mark.parametrize("content_type", [MARKDOWN, RST])
def test_what_is_long_is_shown_as_text_and_cut(content_type):
    html = shown("*a* " * 100_000, content_type)

    assert html.startswith('<pre class="plain" tabindex="0">*a* *a*')
    assert "too much for a page" in html
    assert len(html) < 300_000


def test_many_who_look_at_once_wait_for_one_that_takes_long():
    text, content_type = FATAL["headings"]
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shown(f"{text}\nat once", content_type), range(8)))

    assert len(set(found)) == 1
    assert time.monotonic() - started < 20


def test_nothing_is_lost_when_the_other_process_ends():
    assert "<b>" in shown("<b>one</b>")
    workshop_of(os.getpid()).close()

    assert "<b>" in shown("<b>two</b>")


def test_where_nothing_renders_it_is_text_this_time(monkeypatch):
    workshop_of(os.getpid()).close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")

        assert shown("*not* now").startswith("<pre")
    assert "<em>not</em>" in shown("*not* now")


def test_the_other_process_is_told_nothing_of_ours(monkeypatch):
    workshop = Workshop()
    monkeypatch.setenv("SECRET", "swordfish")
    with workshop.turn():
        workshop.to_html("x", MARKDOWN)
    children = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children").read_text().split()
    seen = [Path(f"/proc/{child}/environ").read_bytes() for child in children]
    workshop.close()

    assert seen
    assert not any(b"swordfish" in one for one in seen)


def test_a_text_is_rendered_once():
    metadata = MetadataFacts(description="# Once\n", description_content_type=MARKDOWN)

    assert render(metadata) is render(metadata)


@pytest.mark.parametrize("text", ["\x00\x01\x02", "\ud800", "\u202e# x", "<" * 1_000, "&" * 1_000])
@pytest.mark.parametrize("content_type", [MARKDOWN, RST, "text/plain", "x;;;", "text/markdown; variant=nope"])
def test_no_text_is_too_odd(text, content_type):
    assert "<script" not in shown(text, content_type)


def test_what_is_too_wide_is_scrolled_without_a_mouse_and_links_have_something_to_read():
    html = shown("# One\n\n    code\n\n|a|\n|---|\n|b|\n")

    assert '<pre tabindex="0">' in html
    assert '<table tabindex="0">' in html
    assert "></a>" not in html
