"""An index whose people are in a directory, and the command that looks into logins."""

import pytest
from click.testing import CliRunner

from pyramid_pypi.cli import main
from pyramid_pypi_ldap.testing import BASE, PASSWORD, SERVICE, SERVICE_PASSWORD


@pytest.fixture
def index(pypi_index, stated):
    """Return a function that composes an index, asks for its list as somebody, and returns the status."""

    def make(*urls, **changes):
        client = pypi_index(plugins=["ldap"], settings=stated(*urls, **changes))

        def ask(name, password):
            client.authorization = ("Basic", (name, password))
            return client.get("/simple/", status="*").status_int

        ask.client = client
        return ask

    return make


def test_right_and_wrong_passwords(index, directory, root):
    ask = index(directory.tls_url)

    answers = [ask("ann", PASSWORD), ask("ann", "wrong"), ask("nobody", PASSWORD), ask(*root)]

    assert answers == [200, 401, 401, 200]


def test_groups_are_rights(index, directory, pypi_publish, pypi_wheel):
    client = index(directory.url).client
    client.authorization = ("Basic", ("bob", PASSWORD))
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"), status=403)
    client.authorization = ("Basic", ("ann", PASSWORD))
    pypi_publish(client, pypi_wheel("holy-grail", "1.0"), status=200)


def test_local_users_log_in_while_the_directory_is_down(index, closed, root):
    ask = index(f"ldap://127.0.0.1:{closed}")

    assert [ask("ann", PASSWORD), ask(*root)] == [503, 200]


def test_local_users_log_in_while_the_directory_hangs(index, silent, root):
    ask = index(f"ldaps://127.0.0.1:{silent}", connect_timeout="1")

    assert [ask(*root), ask("ann", PASSWORD)] == [200, 503]


@pytest.fixture
def walk(stated, tmp_path):
    """Return a function that runs the command; what it printed never has a password."""

    def run(*urls, user="ann", password=PASSWORD, **changes):
        base = {"pypi.data": str(tmp_path), "pypi.catalog": "sqlite:///catalog.db", "pypi.plugins": "ldap"}
        base |= {"pypi.repositories": "private", "pypi.repo.private": "hosted"}
        base |= {"pypi.repo.private.storage": "filesystem", "pypi.repo.private.storage.path": "packages"}
        lines = [f"{key} = {value}" for key, value in {**base, **stated(*urls, **changes)}.items()]
        ini = tmp_path / "site.ini"
        ini.write_text("\n".join(["[app:main]", "use = egg:pyramid_pypi", *lines]), encoding="utf-8")
        command = ["ldap", "test", str(ini), user]
        result = CliRunner().invoke(main, command, input=f"{password}\n")
        assert PASSWORD not in result.output
        assert SERVICE_PASSWORD not in result.output
        return result.exit_code, result.output

    return run


def test_command_walks_through_a_login(walk, directory):
    code, output = walk(directory.url, directory.tls_url)

    steps = f"""
  ok    connect with TLS: the certificate is right
  ok    service account: {SERVICE}
  ok    search: 1 entry, uid=ann,ou=people,{BASE}
  ok    password: right for uid=ann,ou=people,{BASE}
  ok    name: user:ann
  ok    groups: group:Domain-Users group:release
  ok    access: let in
"""
    assert code == 0, output
    assert output.partition("\n")[2] == f"{directory.url}{steps}{directory.tls_url}{steps}"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"user": "nobody"}, "FAIL  search: no entry for nobody"),
        ({"user": "twin", "user_base": BASE}, "FAIL  search: 2 entries: uid=twin,ou=people"),
        ({"password": "wrong"}, "FAIL  password: Invalid credentials"),
        ({"bind_password": "wrong"}, "FAIL  service account: the service account cannot log in"),
        ({"user_base": "dc=nowhere"}, "FAIL  search: No such object"),
        ({"name_attribute": "title", "login_attributes": "uid"}, "FAIL  name: uid=ann"),
        ({"access_groups": "staff"}, "FAIL  access: not in one of staff"),
        ({"ca": "/etc/ssl/certs/ca-certificates.crt"}, "FAIL  connect with TLS: the certificate is refused"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_command_names_the_step_that_fails_and_the_way_out(walk, directory, changes, told):
    code, output = walk(directory.url, **changes)
    lines = output.splitlines()
    at = next(number for number, line in enumerate(lines) if told in line)

    assert code == 1
    assert lines[at + 1].startswith("        ")
    assert lines[at + 2] == f"Error: {changes.get('user', 'ann')} cannot log in at 1 of 1 servers"


def test_command_goes_on_with_the_next_server(walk, directory, closed):
    code, output = walk(f"ldap://127.0.0.1:{closed}", directory.url)

    assert code == 1
    assert "FAIL  connect with TLS: cannot connect: Connection refused" in output
    assert "access: let in" in output


def test_command_reads_the_entry_of_a_template(walk, plain):
    changes = {"user_base": "", "user_dn": f"uid={{username}},ou=people,{BASE}", "starttls": "no"}
    code, output = walk(plain.url, **changes, bind_dn="", bind_password="")

    assert code == 0, output
    assert "connect: passwords are sent in the clear" in output
    assert output.index("password: right") < output.index("read: 1 entry")


def test_command_needs_an_authenticator(tmp_path, walk, directory):
    walk(directory.url)
    ini = str(tmp_path / "site.ini")
    result = CliRunner().invoke(main, ["ldap", "test", ini, "ann", "--name", "other"])

    assert result.exit_code == 1
    assert "of the kind ldap" in result.output
