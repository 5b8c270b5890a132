"""Core metadata as pages show it, however odd it is."""

import time

import pytest

from pyramid_pypi.browse.documents import EMPTY, read_document
from pyramid_pypi.browse.facts import DependencyFacts, LinkFacts, MetadataFacts

HEAD = "Metadata-Version: 2.4\nName: Holy.Grail\nVersion: 1.0\n"


def facts(text):
    return read_document((HEAD + text).encode()).facts


def test_everything_that_pages_show_is_read():
    text = """\
Summary: A cup
Author: Arthur
Author-Email: arthur@example.org
Maintainer-Email: "Sir Robin" <robin@example.org>, Galahad <g@example.org>
License-Expression: MIT
Keywords: cup,holy
Classifier: Programming Language :: Python :: 3
Requires-Python: >=3.9
Requires-Dist: Knights_Of.Ni>=1; extra == "ni"
Provides-Extra: ni
Project-URL: Source, https://example.org/source
Home-page: https://example.org
Description-Content-Type: text/markdown

# The grail
"""
    assert facts(text) == MetadataFacts(
        summary="A cup",
        author="Arthur",
        author_email="arthur@example.org",
        maintainer="Sir Robin, Galahad",
        maintainer_email="robin@example.org, g@example.org",
        license="MIT",
        keywords=("cup", "holy"),
        classifiers=("Programming Language :: Python :: 3",),
        requires_python=">=3.9",
        requires=(DependencyFacts('Knights_Of.Ni>=1; extra == "ni"', "knights-of-ni"),),
        extras=("ni",),
        links=(
            LinkFacts("Source", "https://example.org/source"),
            LinkFacts("Homepage", "https://example.org"),
        ),
        description="# The grail",
        description_content_type="text/markdown",
    )
    assert read_document(HEAD.encode()).name == "Holy.Grail"


def test_nothing_said_is_nothing_shown():
    assert read_document(b"") == EMPTY
    assert facts("") == MetadataFacts()
    assert (
        facts("Summary: UNKNOWN\nLicense: UNKNOWN\nHome-page: UNKNOWN\nAuthor: UNKNOWN\n") == MetadataFacts()
    )


@pytest.mark.parametrize(
    ("text", "license_"),
    [
        (
            "License-Expression: Apache-2.0\nClassifier: License :: OSI Approved :: MIT License\n",
            "Apache-2.0",
        ),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: Something\n", "MIT License"),
        ("License: The Grail License\n        all the rest\n        of it\n", "The Grail License"),
        ("Classifier: Topic :: Software Development\n", ""),
    ],
    ids=["expression", "classifier", "text", "none"],
)
def test_the_license_is_the_shortest_thing_that_is_said(text, license_):
    assert facts(text).license == license_


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://example.org/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "//example.org/x",
        "https://",
        "https:///x",
        "http://[::1",
        "https://example.org/a b",
        "https://example.org/\tx",
        "https://example.org/" + "x" * 2000,
    ],
    ids=[
        "javascript",
        "case",
        "data",
        "ftp",
        "relative",
        "empty",
        "hostless",
        "bracket",
        "blank",
        "tab",
        "long",
    ],
)
def test_only_web_addresses_become_links(url):
    found = facts(f"Project-URL: Here, {url}\nHome-page: {url}\nDownload-URL: {url}\n")

    assert found.links == ()


def test_an_address_is_linked_once_under_the_label_of_its_authors():
    found = facts("Home-page: https://example.org\nProject-URL: Our Page, https://example.org/\n")

    assert found.links == (LinkFacts("Our Page", "https://example.org/"),)


def test_requirements_that_nobody_can_read_are_shown_as_they_are():
    deep = "x; " + "(" * 5000 + "python_version < '3'" + ")" * 5000

    found = facts(f"Requires-Dist: good>=1\nRequires-Dist: not good at all\nRequires-Dist: {deep}\n")

    assert [one.project for one in found.requires] == ["good", "", ""]


def test_a_requirement_that_takes_long_to_read_is_shown_and_leads_nowhere():
    long = f"grail>={',>='.join(map(str, range(100_000)))}"
    started = time.process_time()

    assert facts(f"Requires-Dist: {long}\n").requires == (DependencyFacts(long, ""),)
    assert time.process_time() - started < 0.8


def test_a_long_description_is_read_each_time_and_whole():
    found = facts("Description-Content-Type: text/plain\n\n" + "word " * 100_000)

    assert len(found.description) == 499_999


def test_bytes_that_are_no_text_hide_nothing_else():
    found = read_document(HEAD.encode() + b"Summary: A cup\nAuthor: Art\xff\xfehur\n\n\xff\xfe").facts

    assert found.summary == "A cup"


@pytest.mark.parametrize("indent", ["        ", "       |"], ids=["blanks", "bar"])
def test_a_readme_in_a_header_loses_its_indent(indent):
    lines = ["Description: The grail", "=========", "", "Example::", "", "    grail", "License: MIT"]
    text = "\n".join([lines[0], *(indent + line for line in lines[1:-1]), lines[-1]]) + "\n"

    assert facts(text).description == "The grail\n=========\n\nExample::\n\n    grail"


def test_a_readme_in_the_body_keeps_its_indent():
    assert facts("\nExample::\n\n        grail\n").description == "Example::\n\n        grail"
