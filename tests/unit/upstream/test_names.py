"""Lists of projects, read while they arrive."""

import json
import tracemalloc
from itertools import islice

import pytest

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import ProjectName
from pyramid_pypi.upstream.names import parse_names
from pyramid_pypi.web.rendering import list_html, list_json

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
NAMES = [ProjectName("holy-grail", "Holy.Grail", 7), ProjectName("spam", "spam", 0)]


def read(body, kind=JSON, step=0):
    body = body if isinstance(body, bytes) else body.encode()
    chunks = [body[at : at + step] for at in range(0, len(body), step)] if step else [body]
    return list(parse_names(iter(chunks), content_type=kind))


@pytest.mark.parametrize("step", [0, 1, 7])
def test_our_own_list_comes_back_from_json(step):
    assert read(list_json(NAMES, 9), step=step) == NAMES


@pytest.mark.parametrize("step", [0, 1, 7])
def test_our_own_list_comes_back_from_html_without_serials(step):
    assert read(list_html(NAMES, 9), HTML, step) == [ProjectName("holy-grail", "Holy.Grail", 0), NAMES[1]]


@pytest.mark.parametrize(
    "body",
    [
        '{"meta":{"_last-serial":1,"api-version":"1.4"},"projects":[{"_last-serial":7,"name":"Holy.Grail"},{"name":"spam"}]}',
        '{"projects": [{"name": "Holy.Grail", "_last-serial": "7"}, {"name": "spam"}], "meta": {"api-version": "1.0"}}\n',
        ' {\n"x" : 12 ,"y":[{"projects":[]}], "projects" : [ {"name":"Holy.Grail","_last-serial":7} ,\n{"name":"spam"} ] } ',
        '\ufeff{"projects":[{"name":"Holy.Grail","_last-serial":7},{"name":"spam"}],"n":1}',
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_json_in_any_order_and_spacing(body, step):
    assert read(body, step=step) == NAMES


@pytest.mark.parametrize(
    "bad", ['{"name":"-x-"}', '{"name":7}', "{}", '"spam"', "null", '{"name":"a/b"}', "[[]]"]
)
def test_bad_entry_of_json_is_left_out(bad):
    assert read(f'{{"projects":[{bad},{{"name":"spam"}},{bad}]}}') == [NAMES[1]]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "neither"),
        ("{", "breaks off"),
        ("{}", "lists none"),
        ("{} {}", "cannot|breaks off"),
        ('{"meta":{}}', "lists none"),
        ('{"files":[]}', "lists none"),
        ('{"projects":[', "breaks off"),
        ('{"projects":[{"name":"spam"}', "breaks off"),
        ('{"projects":[{"name":"spam"},', "breaks off"),
        ('{"projects":[{"name":"spam"},]}', "breaks off"),
        ('{"projects":[{"name":"spam"}]', "breaks off"),
        ('{"projects":[{"name":"spam"}]]', "breaks off"),
        ('{"projects":[{"name":"spam"} {"name":"eggs"}]}', "breaks off"),
        ('{"projects":{"name":"spam"}}', "breaks off"),
        ('{"projects":[]}x', "breaks off"),
        ('{"projects":[' + "[" * 100_000, "breaks off"),
        ('{"meta":{"api-version":"2.0"},"projects":[]}', "version '2.0'"),
        (b'{"projects":[{"name":"\xff"}]}', "breaks off"),
        (b'{"projects":[{"name":"spam"}]}\xc3', "breaks off"),
        ("Not found", "neither"),
    ],
)
@pytest.mark.parametrize("step", [0, 5000])
def test_what_is_no_whole_list_in_json_is_refused(body, why, step):
    with pytest.raises(UpstreamUnavailable, match=why):
        read(body, "", step)


def test_value_without_end_is_refused_before_it_has_arrived():
    endless = ((b'{"projects":[{"name":"' if n == 0 else b"x" * 5000) for n in range(10**9))

    with pytest.raises(UpstreamUnavailable, match="breaks off"):
        list(parse_names(endless, content_type=JSON))


def test_names_before_the_break_are_yielded():
    names = parse_names(iter([b'{"projects":[{"name":"spam"},{"na']), content_type=JSON)

    assert next(names) == NAMES[1]
    with pytest.raises(UpstreamUnavailable):
        next(names)


@pytest.mark.parametrize(
    ("anchor", "found"),
    [
        ('<a href="holy-grail/">Holy.Grail</a>', ("holy-grail", "Holy.Grail")),
        ('<a href="/simple/holy-grail/">holy_grail/</a>', ("holy-grail", "holy_grail")),
        ('<a href="https://x.example.com/simple/Holy.Grail?a=b#c">text</a>', ("holy-grail", "Holy.Grail")),
        ('<a href="holy-grail/index.html"><b>Holy</b>.Grail</a>', ("holy-grail", "Holy.Grail")),
        ('<a href="holy%2Dgrail/"></a>', ("holy-grail", "holy-grail")),
        ("<a href='holy-grail'>", ("holy-grail", "holy-grail")),
        ('<a href="/">Home</a>', None),
        ('<a href="../">up</a>', None),
        ('<a href="https://example.com">example</a>', None),
        ('<a href="mailto:ann@example.com">ann</a>', None),
        ('<a href="javascript:void(0)">go</a>', None),
        ('<a href="http://[::1/spam/">spam</a>', None),
        ("<a name='spam'>spam</a>", None),
        ("<p>spam</p>", None),
    ],
)
def test_anchor(anchor, found):
    expected = [] if found is None else [ProjectName(*found, 0)]

    assert read(f"<!DOCTYPE html><html><body>{anchor}</body></html>", HTML) == expected


def test_anchors_need_no_end_tags():
    assert [name.name for name in read("<a href=holy-grail/>Holy<a href=spam/>spam", HTML)] == [
        "holy-grail",
        "spam",
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("Not found", "is not HTML"),
        ("<html><body><a href=spam/>spam</a>", "breaks off"),
        ("<a href=spam/>spam</a><a href=eg", "breaks off"),
        ('<meta name="pypi:repository-version" content="2.0">', "version '2.0'"),
        ("<a " + "x" * 300_000, "is not HTML"),
    ],
)
def test_what_is_no_whole_list_in_html_is_refused(body, why):
    with pytest.raises(UpstreamUnavailable, match=why):
        read(body, HTML)


def test_wrong_type_is_refused_at_once():
    with pytest.raises(UpstreamUnavailable, match="'image/png'"):
        parse_names(iter([b"{}"]), content_type="image/png")


def json_chunks(count):
    yield b'{"meta":{"_last-serial":1,"api-version":"1.4"},"projects":['
    for n in range(count):
        yield json.dumps({"_last-serial": n, "name": f"Project.{n}"}).encode() + (
            b"," if n < count - 1 else b""
        )
    yield b"]}"


def html_chunks(count):
    yield b"<!DOCTYPE html><html><body>"
    for n in range(count):
        yield f'<a href="/simple/project-{n}/">Project.{n}</a><br/>\n'.encode()
    yield b"</body></html>"


@pytest.mark.parametrize(("chunks", "kind"), [(json_chunks, JSON), (html_chunks, HTML)])
def test_long_list_takes_little_memory(chunks, kind):
    tracemalloc.start()
    try:
        count = sum(1 for _ in parse_names(chunks(15_000), content_type=kind))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 15_000
    assert peak < 1024 * 1024


@pytest.mark.parametrize(("chunks", "kind"), [(json_chunks, JSON), (html_chunks, HTML)])
def test_first_names_come_before_the_rest_has_arrived(chunks, kind):
    arrived = 0

    def counted():
        nonlocal arrived
        for chunk in chunks(100_000):
            arrived += 1
            yield chunk

    assert len(list(islice(parse_names(counted(), content_type=kind), 10))) == 10
    assert arrived < 10_000
