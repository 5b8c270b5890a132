"""The OpenAPI document, and whether the index answers as it says, whatever it is sent."""

import copy
import subprocess
import sys

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from pyramid_pypi.api.endpoint import BASE
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.auth.granting import Wish
from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.web.tokens import make
from tests.functional.api import lasting_catalog
from tests.functional.support import make_client
from tests.functional.test_rights import HASH, as_user, wheel_of

DOCUMENT = "/-/api/openapi.json"
CALLERS = {"anonymous": {}, "reader": as_user("carol"), "manager": as_user("ann")}
EXAMPLES = 15
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]

KNOWN = {
    "repository": ["private", "private", "team", "elsewhere", "nowhere"],
    "project": ["holy-grail", "Spam", "secret-sauce", "nothing"],
    "version": ["1.0", "1", "2.0"],
    "filename": ["holy_grail-1.0-py3-none-any.whl", "spam-1.0-py3-none-any.whl"],
    "principal": ["user:ann", "user:bob", "nobody"],
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index with projects, a group and a repository without files; carol reads, ann manages."""
    folder = tmp_path_factory.mktemp("index")
    (folder / "htpasswd").write_text("".join(f"{name}:{HASH}\n" for name in ("ann", "bob", "carol")))
    with lasting_catalog() as catalog:
        client = make_client(
            folder,
            **{
                "pypi.catalog": catalog,
                "pypi.authenticators": "tokens htpasswd",
                "pypi.auth.htpasswd.path": "htpasswd",
                "pypi.repositories": "private elsewhere team",
                "pypi.repo.private.read": "authenticated",
                "pypi.repo.private.upload": "user:ann",
                "pypi.repo.private.yank": "user:ann",
                "pypi.repo.private.delete": "user:ann",
                "pypi.repo.private.manage": "user:ann",
                "pypi.repo.private.ownership": "first-uploader",
                "pypi.repo.private.project.secret-*.read": "user:ann",
                "pypi.repo.elsewhere": "hosted",
                "pypi.repo.elsewhere.storage": "filesystem",
                "pypi.repo.elsewhere.storage.path": "elsewhere",
                "pypi.repo.elsewhere.read": "everyone",
                "pypi.repo.elsewhere.upload": "user:ann",
                "pypi.repo.team": "group",
                "pypi.repo.team.members": "private elsewhere",
                "pypi.repo.team.publish": "private",
                "pypi.repo.team.read": "authenticated",
            },
        )
        yield client
        client.application.close()


@pytest.fixture
def filled(index):
    """The index with three open projects of ann's, whatever the tests before have done to them."""
    for project in ("holy-grail", "spam", "secret-sauce"):
        status = f"{BASE}repositories/private/projects/{project}/status"
        index.web.put_json(status, {"status": "active"}, headers=as_user("ann"), expect_errors=True)
        index.index.served("private").roles.grant(project, "user:ann", "owner", "root")
        index.upload(*wheel_of(project), headers=as_user("ann"))
    return index


@pytest.fixture(scope="module")
def document(index):
    return index.web.get(DOCUMENT).json


@pytest.fixture
def known(filled):
    """Values for the parameters of paths that lead somewhere, at least for those who may go there."""
    index, owner = filled.index, filled.index.identify(CALLERS["manager"]["Authorization"], "", write=True)
    made, _secret = make(index, owner, Wish(), "for the tests")
    index.browsers.sessions.begin(LoggedIn("ann", "password"))
    session = index.browsers.sessions.list("ann")[0].id
    return {**KNOWN, "token": [made.id], "session": [session]}


def loaded(document, application):
    """Return the document for schemathesis; releases are promoted to what is a repository."""
    wanted = copy.deepcopy(document)
    wanted["components"]["schemas"]["Promotion"]["properties"]["to"] = {"enum": ["elsewhere"]}
    schema = schemathesis.openapi.from_dict(wanted, config=SchemathesisConfig())
    schema.app = application
    return schema


def cases_of(operation, known):
    """Return requests that are right and requests that are wrong, most of them for known places."""
    names = [parameter.name for parameter in operation.path_parameters]
    places = st.fixed_dictionaries({name: st.sampled_from(known[name]) | st.none() for name in names})

    def put(case, place):
        found = case.meta.components.get(ParameterLocation.PATH)
        if found is not None and found.mode is GenerationMode.POSITIVE:
            case.path_parameters.update({name: value for name, value in place.items() if value})
        return case

    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if operation.body or operation.query:
        cases |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.builds(put, cases, places)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_every_answer_is_documented(endpoint, caller, filled, known, document):
    operation = loaded(document, filled.application)[BASE + endpoint.path][endpoint.method]
    seen = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases_of(operation, known))
    def ask(case):
        response = case.call(headers=CALLERS[caller])
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    ask()

    assert caller != "manager" or endpoint.status in seen


def test_the_document_is_openapi(index, document):
    loaded(document, index.application).validate()
    operations = [one for methods in document["paths"].values() for one in methods.values()]

    assert document["openapi"] == "3.1.0"
    assert {one["operationId"] for one in operations} == {one.name for one in ENDPOINTS}
    assert len(operations) == len(ENDPOINTS)
    assert all(one["summary"] and "401" in one["responses"] for one in operations)


def test_the_document_tells_which_texts_are_times_and_what_a_body_has(document):
    schemas = document["components"]["schemas"]

    assert schemas["ActivityFacts"]["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert schemas["FileFacts"]["properties"]["uploaded_at"]["anyOf"][0]["format"] == "date-time"
    assert schemas["DayFacts"]["properties"]["day"]["format"] == "date"
    assert schemas["Yank"]["additionalProperties"] is False
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail"]


def test_accounts_take_credentials_and_the_rest_may_be_open(document):
    paths = document["paths"]

    assert paths[f"{BASE}tokens"]["post"]["security"] == [{"basic": []}]
    assert paths[f"{BASE}search"]["get"]["security"] == [{}, {"basic": []}]


def test_the_document_names_the_address_that_was_asked(index):
    answer = index.web.get(DOCUMENT, extra_environ={"HTTP_HOST": "pypi.example.org", "SCRIPT_NAME": "/index"})

    assert answer.json["servers"] == [{"url": "http://pypi.example.org/index"}]


def test_the_start_does_not_pay_for_what_only_the_api_needs():
    code = "import sys, pyramid_pypi.web.application; print('msgspec' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
