"""curl reads and uploads, as scripts do."""

import hashlib

import pytest

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.testing.artefacts import make_wheel
from tests.clients.client import Client
from tests.clients.people import BOB, CAROL
from tests.clients.releases import put_for_team, put_wheel, save
from tests.live import LiveServer

JSON = "Accept: application/vnd.pypi.simple.v1+json"


@pytest.fixture
def with_netrc(curl: Client) -> Client:
    """Return a curl whose user has the password of bob in a netrc."""
    netrc = curl.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {BOB[0]} password {BOB[1]}\n")
    netrc.chmod(0o600)
    return curl


@pytest.mark.parametrize("form", ["/team/simple/", "/repository/team/simple/", "/team/"])
def test_a_netrc_opens_every_form_of_a_page(form: str, server: LiveServer, with_netrc: Client) -> None:
    put_for_team(server, "curl-netrc", "1.0")

    page = with_netrc("--silent", "--fail", "--netrc", server.at(f"{form}curl-netrc/"))

    assert ">curl_netrc-1.0-py3-none-any.whl</a>" in page


def test_a_page_without_a_slash_says_where_it_is(server: LiveServer, with_netrc: Client) -> None:
    put_for_team(server, "curl-slash", "1.0")
    url = server.at("/team/simple/curl-slash")

    said = with_netrc("--silent", "--netrc", url)
    followed = with_netrc("--silent", "--fail", "--location", "--netrc", url)

    assert "curl-slash/" in said
    assert "curl_slash-1.0-py3-none-any.whl" in followed


def test_a_stranger_is_asked_to_log_in(server: LiveServer, curl: Client) -> None:
    put_for_team(server, "curl-stranger", "1.0")

    page = curl("--silent", "--include", server.at("/team/simple/curl-stranger/"))
    absent = curl("--silent", "--include", server.at("/team/simple/curl-is-not-here/"))

    for said in (page, absent):
        assert said.startswith("HTTP/1.1 401 ")
        assert "\nwww-authenticate: basic realm=" in said.lower()
        assert "curl_stranger" not in said


def test_a_file_is_as_closed_as_its_page(server: LiveServer, index: PackageIndex, with_netrc: Client) -> None:
    put_for_team(server, "curl-file", "1.0")
    (file,) = index.served("team").repository.project("curl-file").files
    url = server.at(f"/team/packages/{file.path}")

    for part in ("", ".metadata"):
        assert with_netrc("--silent", "--output", "x", "--write-out", "%{http_code}", url + part) == "401"
    with_netrc("--silent", "--fail", "--netrc", "--output", "wheel", url)

    wheel = (with_netrc.cwd / "wheel").read_bytes()
    assert hashlib.sha256(wheel).hexdigest() == file.hashes.sha256


def test_a_form_with_nothing_but_the_file_is_an_upload(
    server: LiveServer, index: PackageIndex, curl: Client
) -> None:
    open_wheel = save(curl.cwd, "curl-open", "1.0")
    team_wheel = save(curl.cwd, "curl-team", "1.0")
    post = ("--silent", "--show-error", "--fail-with-body")

    curl(*post, "--form", f"content=@{open_wheel}", server.at("/simple/"))
    curl(*post, "--user", ":".join(CAROL), "--form", f"content=@{team_wheel}", server.at("/team"))

    assert index.default.repository.file(open_wheel.name).uploaded_by == ""
    assert index.served("team").repository.file(team_wheel.name).uploaded_by == "carol"


def test_other_content_is_refused_in_the_status_line_and_in_the_body(
    server: LiveServer, curl: Client
) -> None:
    put_wheel(server, "curl-conflict", "1.0", files={"other.py": "pass"})
    wheel = save(curl.cwd, "curl-conflict", "1.0")

    said = curl("--silent", "--include", "--form", f"content=@{wheel}", server.at("/"))

    head, _, body = said.partition("\n\n")
    assert head.startswith(f"HTTP/1.1 400 File already exists ('{wheel.name}'")
    assert body.startswith(f"File already exists ('{wheel.name}'")


def test_an_upload_of_many_megabytes_is_sent_after_a_go_ahead(
    server: LiveServer, index: PackageIndex, curl: Client
) -> None:
    wheel = save(curl.cwd, "curl-big", "1.0", size=12_000_000)

    curl("--silent", "--show-error", "--fail", "--form", f"content=@{wheel}", server.at("/"))

    assert index.default.repository.file(wheel.name).size == wheel.stat().st_size


def test_a_download_is_continued_where_it_stopped(
    server: LiveServer, index: PackageIndex, curl: Client
) -> None:
    wheel = put_wheel(server, "curl-resume", "1.0", size=300_000)
    file = index.default.repository.file("curl_resume-1.0-py3-none-any.whl")
    url = server.at(f"/packages/{file.path}")
    curl("--silent", "--fail", "--range", "0-99999", "--output", "part", url)
    part = curl.cwd / "part"
    first = part.stat().st_size

    curl("--silent", "--fail", "--continue-at", "-", "--output", "part", url)

    assert first == 100_000
    assert part.read_bytes() == wheel


def test_pages_are_html_unless_json_is_asked_for(server: LiveServer, curl: Client) -> None:
    put_wheel(server, "curl-format", "1.0")
    url = server.at("/simple/curl-format/")

    html = curl("--silent", "--include", url)
    json = curl("--silent", "--include", "--header", JSON, "--compressed", url)

    assert "\nContent-Type: text/html" in html
    assert "\nContent-Type: application/vnd.pypi.simple.v1+json" in json
    assert '"filename": "curl_format-1.0-py3-none-any.whl"' in json


def test_a_page_that_has_not_changed_is_not_sent_again(server: LiveServer, curl: Client) -> None:
    put_wheel(server, "curl-etag", "1.0")
    url = server.at("/simple/curl-etag/")
    ask = ("--silent", "--etag-compare", "etag", "--etag-save", "etag", "--write-out", "\n%{http_code}", url)

    codes = [curl(*ask).rpartition("\n")[2] for _ in range(2)]
    put_wheel(server, "curl-etag", "1.1")
    codes.append(curl(*ask).rpartition("\n")[2])

    assert codes == ["200", "304", "200"]


def test_of_uploads_of_one_name_at_once_one_wins(
    server: LiveServer, index: PackageIndex, curl: Client
) -> None:
    wheels = []
    for number in range(6):
        folder = curl.cwd / str(number)
        folder.mkdir()
        wheel = folder / "curl_race-1.0-py3-none-any.whl"
        wheel.write_bytes(make_wheel("curl-race", "1.0", files={f"other{number}.py": "pass"}, size=200_000))
        wheels.append(wheel)
    each: list[str] = []
    for wheel in wheels:
        each += ["--form", f"content=@{wheel}", "--output", f"{wheel}.out", server.at("/"), "--next"]
    before = len(server.access())

    curl("--parallel", "--parallel-immediate", *each[:-1])

    kept = index.default.repository.file("curl_race-1.0-py3-none-any.whl").hashes.sha256
    assert kept in {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    posts = [line["status"] for line in server.access()[before:] if line["method"] == "POST"]
    assert sorted(posts) == [200, *[400] * 5]
