import hashlib
import io
import zipfile

import pytest
from webtest import Upload

from pyramid_pypi.testing.artefacts import make_sdist, make_wheel
from tests.functional.support import ENGINES, OPEN, stored

pytestmark = ENGINES

WHEEL = "holy_grail-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "url",
    [
        f"{prefix}{end}"
        for prefix in ("", "/private", "/repository/private")
        for end in (
            "",
            "/",
            "/simple",
            "/simple/",
            "/legacy",
            "/legacy/",
            "/pypi",
            "/pypi/",
            "/legacy/?some-tag",
        )
        if prefix + end
    ],
)
def test_every_url_that_upload_tools_use_takes_a_file_without_a_redirect(client, url):
    client.upload(WHEEL, make_wheel("holy-grail", "1.0"), url)

    assert [file["filename"] for file in client.page("holy-grail")["files"]] == [WHEEL]


def test_a_form_with_nothing_but_a_file_is_enough(client):
    client.web.post("/", [("content", Upload(WHEEL, make_wheel("holy-grail", "1.0")))])

    assert client.page("holy-grail")["versions"] == ["1.0"]


def test_success_is_200_with_an_empty_body(client):
    answer = client.upload(WHEEL, make_wheel("holy-grail", "1.0"))

    assert (answer.status, answer.body) == ("200 OK", b"")


def test_a_form_as_twine_sends_it_is_taken(client):
    content = make_wheel("Holy-Grail", "1.0", requires_python=">=3.9")

    client.upload(
        WHEEL,
        content,
        "/legacy/",
        filetype="bdist_wheel",
        pyversion="py3",
        metadata_version="2.4",
        name="Holy-Grail",
        version="1.0",
        requires_python=">=3.9",
        classifiers=["Private :: Do Not Upload", "Framework :: Pyramid"],
        description="x" * 100_000,
        comment="",
        author="UNKNOWN",
        attestations="[]",
        md5_digest=hashlib.md5(content).hexdigest(),
        sha256_digest=hashlib.sha256(content).hexdigest(),
        blake2_256_digest=hashlib.blake2b(content, digest_size=32).hexdigest().upper(),
    )

    assert client.page("holy-grail")["files"][0]["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_same_bytes_again_are_a_success_that_changes_nothing(client):
    content = make_wheel("holy-grail", "1.0")
    client.upload(WHEEL, content)
    before = client.page("holy-grail")

    client.upload(WHEEL, content)

    assert client.page("holy-grail") == before


def test_other_bytes_under_a_known_name_are_refused_with_the_words_that_tools_match(client):
    client.upload(WHEEL, make_wheel("holy-grail", "1.0"))
    before = client.page("holy-grail")

    answer = client.upload(WHEEL, make_wheel("holy-grail", "1.0", summary="other"), status=400)

    assert answer.status.startswith(
        "400 File already exists ('holy_grail-1.0-py3-none-any.whl', with blake2_256 hash"
    )
    assert answer.text.startswith("File already exists")
    assert client.page("holy-grail") == before


def test_a_refusal_is_json_for_those_who_prefer_it(client):
    client.upload(WHEEL, make_wheel("holy-grail", "1.0"))
    accept = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"

    answer = client.upload(
        WHEEL, make_wheel("holy-grail", "1.0", summary="x"), status=400, headers={"Accept": accept}
    )

    assert answer.json["title"] == "Bad Request"
    assert answer.json["code"].startswith("400 File already exists")
    assert answer.json["message"].startswith("File already exists")


def test_another_spelling_of_a_known_name_is_the_same_project(client):
    client.upload("Holy.Grail-1.0.tar.gz", make_sdist("Holy.Grail", "1.0"))
    client.upload("holy_grail-1.1.tar.gz", make_sdist("holy-grail", "1.1"))

    assert client.page("holy-grail")["versions"] == ["1.0", "1.1"]


def test_a_file_name_in_another_case_is_the_same_file(client):
    client.upload("holy_grail-1.0.tar.gz", make_sdist("holy_grail", "1.0"))

    answer = client.upload("Holy_Grail-1.0.tar.gz", make_sdist("Holy_Grail", "1.0"), status=400)

    assert answer.text.startswith("File already exists")


def test_files_lie_where_the_layout_says(build, tmp_path):
    client = build(**OPEN, **{"pypi.repo.private.storage.layout": "flat"})

    filename, content = client.publish()

    assert stored(tmp_path) == [filename]
    assert (tmp_path / "packages" / filename).read_bytes() == content


@pytest.mark.parametrize("action", ["submit", "submit_pkg_info", "verify"])
def test_actions_of_the_past_are_accepted_and_do_nothing(client, action):
    answer = client.web.post("/", [(":action", action), ("name", "holy-grail"), ("x", Upload("x", b""))])

    assert answer.status_int == 200
    client.web.get("/simple/holy-grail/", status=404)


def test_documentation_is_gone(client):
    form = [(":action", "doc_upload"), ("name", "x"), ("content", Upload("x.zip", b"PK"))]

    client.web.post("/", form, status=410)


def test_unknown_actions_are_400(client):
    answer = client.web.post("/", [(":action", "fly"), ("x", Upload("x", b""))], status=400)

    assert answer.text == "Unknown action 'fly': use file_upload\n"


def test_remove_pkg_removes_one_version_and_its_bytes(client, tmp_path):
    client.publish("holy-grail", "1.0")
    kept, _ = client.publish("holy-grail", "1.1")

    form = [(":action", "remove_pkg"), ("name", "Holy.Grail"), ("version", "1.0.0"), ("x", Upload("x", b""))]
    client.web.post("/", form)

    assert client.page("holy-grail")["versions"] == ["1.1"]
    assert stored(tmp_path) == [f"holy-grail/{kept}"]


def test_a_removed_name_only_takes_the_same_bytes_again(client):
    filename, content = client.publish("holy-grail", "1.0")
    form = [(":action", "remove_pkg"), ("name", "holy-grail"), ("version", "1.0"), ("x", Upload("x", b""))]
    client.web.post("/", form)
    assert client.page("holy-grail")["files"] == []

    refused = client.upload(filename, make_wheel("holy-grail", "1.0", summary="other"), status=400)
    client.upload(filename, content)

    assert refused.text.startswith("File already exists")
    assert client.page("holy-grail")["versions"] == ["1.0"]


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_closed_projects_take_no_files(client, status):
    client.publish("holy-grail", "1.0")
    nobody = client.index.identify(None, "", write=True)
    client.index.default.repository.set_status("holy-grail", status, "", nobody)

    answer = client.upload("holy_grail-1.1-py3-none-any.whl", make_wheel("holy-grail", "1.1"), status=403)

    assert status in answer.text


def test_an_upload_is_on_the_page_of_another_process_at_once(build):
    one, other = build(**OPEN), build(**OPEN)
    one.publish("holy-grail", "1.0")
    assert other.page("holy-grail")["versions"] == ["1.0"]

    one.publish("holy-grail", "1.1")

    assert other.page("holy-grail")["versions"] == ["1.0", "1.1"]


@pytest.mark.parametrize(
    ("profile", "filename", "content", "status"),
    [
        ("strict", "x-1.0+local-py3-none-any.whl", make_wheel("x", "1.0+local"), 400),
        ("private", "x-1.0+local-py3-none-any.whl", make_wheel("x", "1.0+local"), 200),
        (
            "strict",
            "x-1.0-py3-none-linux_x86_64.whl",
            make_wheel("x", "1.0", tag="py3-none-linux_x86_64"),
            400,
        ),
        (
            "private",
            "x-1.0-py3-none-linux_x86_64.whl",
            make_wheel("x", "1.0", tag="py3-none-linux_x86_64"),
            200,
        ),
        ("private", "x-1.0-py3-none-any.whl", make_wheel("x", "1.0", with_record=False), 400),
    ],
)
def test_profiles_decide_what_is_taken(build, profile, filename, content, status):
    client = build(**OPEN, **{"pypi.repo.private.accept": profile})

    client.upload(filename, content, status=status)


def test_eggs_are_for_the_lenient(build):
    egg = io.BytesIO()
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: x\nVersion: 1.0\n")
    strict = build(**OPEN)
    strict.upload("x-1.0-py3.11.egg", egg.getvalue(), status=400)

    lenient = build(**OPEN, **{"pypi.repo.private.accept": "lenient"})
    lenient.upload("x-1.0-py3.11.egg", egg.getvalue())

    assert lenient.page("x")["files"][0]["filename"] == "x-1.0-py3.11.egg"
