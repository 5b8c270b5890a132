"""A real directory for tests: OpenLDAP's slapd on loopback, with a few people and groups.

Needs Debian's packages `slapd` and `openssl`. The people are `ann`, `bob`, `Zoë`, one whose name
is full of special characters, and two entries that share the name `twin`; the password of everybody
is `PASSWORD`, that of the service account `SERVICE_PASSWORD`. `MANAGER` may do everything, with the
password `SERVICE_PASSWORD` as well.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

__all__ = [
    "BASE",
    "MANAGER",
    "ODD_NAME",
    "PASSWORD",
    "SERVICE",
    "SERVICE_PASSWORD",
    "Slapd",
    "make_certificates",
]

BASE: Final = "dc=example,dc=org"
SERVICE: Final = f"cn=index,ou=services,{BASE}"
MANAGER: Final = f"cn=manager,{BASE}"
PASSWORD: Final = "swordfish"  # noqa: S105 - of people who do not exist
SERVICE_PASSWORD: Final = "battery staple"  # noqa: S105 - as above
ODD_NAME: Final = r'#o*d(d)\,+"<>;= name'

_SECONDS: Final = 20.0
_SCHEMAS: Final = ("core", "cosine", "inetorgperson", "nis")

_PEOPLE: Final = (
    ("ann", "people", "Ann Ærø"),
    ("bob", "people", "Bob"),
    ("Zoë", "people", "Zoë"),
    (ODD_NAME, "people", "Odd"),
    ("twin", "people", "First Twin"),
    ("twin", "guests", "Second Twin"),
)


@dataclass(slots=True)
class Slapd:
    """A directory in `folder`, which has the files of `make_certificates` unless `tls` is off.

    `lenient` takes a bind without a password for anonymous and says yes, as Active Directory does.
    `referral` is the URL of a directory that has more people, in the eyes of this one. With a
    `provider`, which has TLS, this is its replica: it begins empty and copies everything (RFC 4533,
    refreshAndPersist). The ports stay the same when a directory is stopped and started again.
    """

    folder: Path
    certificates: Path
    tls: bool = True
    lenient: bool = False
    referral: str = ""
    provider: "Slapd | None" = None
    port: int = 0
    tls_port: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where to connect without TLS, or with StartTLS."""
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where to connect with TLS."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def log(self) -> str:
        """What the directory has been asked, in slapd's words."""
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir()
        self.port, self.tls_port = _free_port(), _free_port()
        (self.folder / "slapd.conf").write_text(self._configuration())
        if self.provider is None:
            content = (self.folder / "content.ldif").resolve()
            content.write_text(_content(self.referral), encoding="utf-8")
            _run("slapadd", "-q", "-w", "-f", "slapd.conf", "-l", str(content), folder=self.folder)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers."""
        urls = f"{self.url} {self.tls_url}" if self.tls else self.url
        command = [_program("slapd"), "-d", "stats", "-f", "slapd.conf", "-h", urls]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)  # noqa: S603
        self._until(self._listens, "does not start")

    def catch_up(self) -> None:
        """Return when this replica has everything that its provider has now. Raises RuntimeError."""
        wanted = self.provider.state() if self.provider else ()
        self._until(lambda: bool(wanted) and self.state() == wanted, "does not catch up")

    def state(self) -> tuple[str, ...]:
        """Return the number of the last change that is in here, none in an empty replica."""
        # Not at the top: the package is for tests, and whoever reads its constants needs no libldap.
        from pyramid_pypi_ldap.client import Connection  # noqa: PLC0415
        from pyramid_pypi_ldap.tunnel import Transport  # noqa: PLC0415

        bare = Transport(starttls=False, verify=False, ca=None, connect_timeout=_SECONDS, timeout=_SECONDS)
        connection = Connection(self.url, bare)
        try:
            connection.bind(MANAGER, SERVICE_PASSWORD)
            found = connection.search(BASE, "base", "(objectClass=*)", ("contextCSN",))
        finally:
            connection.close()
        return found[0].values("contextCSN") if found else ()

    def stop(self) -> None:
        """Stop, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(_SECONDS)

    def _until(self, done: Callable[[], bool], problem: str) -> None:
        """Ask again and again until something is done. Raises RuntimeError with the log if it never is."""
        deadline = time.monotonic() + _SECONDS
        while not done():
            gone = self._process is None or self._process.poll() is not None
            if gone or time.monotonic() > deadline:
                raise RuntimeError(f"slapd {problem}:\n{self.log[-3000:]}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _configuration(self) -> str:
        lines = [f"include /etc/ldap/schema/{name}.schema" for name in _SCHEMAS]
        lines += ["modulepath /usr/lib/ldap", "pidfile slapd.pid"]
        lines += [f"moduleload {name}" for name in ("back_mdb", "memberof", "syncprov")]
        if self.tls:
            lines += [f"TLSCertificateFile {self.certificates}/server.pem"]
            lines += [f"TLSCertificateKeyFile {self.certificates}/server.key"]
        if self.lenient:
            lines += ["allow bind_anon_cred bind_anon_dn"]
        lines += ["database mdb", f'suffix "{BASE}"', f"directory {self.folder.resolve()}/data"]
        lines += [f'rootdn "{MANAGER}"', f'rootpw "{SERVICE_PASSWORD}"', "maxsize 10485760", "dbnosync"]
        lines += ["index uid,member,objectClass,entryUUID,entryCSN eq"]
        lines += ["access to attrs=userPassword by anonymous auth by * none"]
        lines += [f'access to dn.subtree="ou=groups,{BASE}" by users read']
        lines += [f'access to * by dn.base="{SERVICE}" read by self read by anonymous auth']
        # A replica gets memberOf with the entries, so it does not look after it.
        lines += ["overlay memberof", "overlay syncprov"] if self.provider is None else [_copy(self.provider)]
        return "\n".join(lines) + "\n"


def make_certificates(folder: Path) -> None:
    """Make an authority `ca.pem`, a stranger `other.pem`, and `server.pem` for 127.0.0.1."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        own = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN=Test {name}")
        _run("openssl", "req", "-x509", *key, *own, folder=folder)
    request = ("-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    _run("openssl", "req", *key, *request, folder=folder)
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    to = ("-out", "server.pem", "-days", "2", "-extfile", "server.ext")
    _run("openssl", "x509", "-req", *signed, *to, folder=folder)


def _copy(provider: Slapd) -> str:
    """Return how a replica copies another directory: at once, and again a second after an outage."""
    login = f'bindmethod=simple binddn="{MANAGER}" credentials="{SERVICE_PASSWORD}"'
    safety = f"provider={provider.tls_url} tls_cacert={provider.certificates}/ca.pem tls_reqcert=demand"
    return f'syncrepl rid=1 type=refreshAndPersist retry="1 +" searchbase="{BASE}" {safety} {login}'


def _content(referral: str) -> str:
    """Return the entries as LDIF (RFC 2849)."""
    # As in Slapd.state.
    from pyramid_pypi_ldap.client import escape_dn  # noqa: PLC0415

    units = ("people", "guests", "services", "groups")
    entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n"]
    entries += [f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}\n" for name in units]
    entries.append(
        f"dn: {SERVICE}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n"
        f"cn: index\nuserPassword: {SERVICE_PASSWORD}\n"
    )
    groups = {"release": ["ann"], "Domain Users": ["ann", "bob", "Zoë"], "Ærø": ["Zoë"]}
    member_of: dict[str, list[str]] = {}
    for group, names in groups.items():
        for name in names:
            member_of.setdefault(name, []).append(f"cn={group},ou=groups,{BASE}")
    for uid, unit, full in _PEOPLE:
        # RFC 4524 §2.16: an address is ASCII, and a replica takes nothing else.
        address = full.split()[0].encode("ascii", "ignore").decode()
        # The overlay keeps this up to date, but does not see what slapadd brings.
        found = "".join(f"memberOf: {dn}\n" for dn in member_of.get(uid, []))
        entries.append(
            f"dn: uid={escape_dn(uid)},ou={unit},{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\n"
            f"cn: {full}\nsn: {full}\nmail: {address}@example.org\nuserPassword: {PASSWORD}\n{found}"
        )
    for group, names in groups.items():
        members = "".join(f"member: uid={name},ou=people,{BASE}\n" for name in names)
        entries += [f"dn: cn={group},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {group}\n{members}"]
    entries += [
        f"dn: cn=posix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: bob\n"
    ]
    if referral:
        entries.append(
            f"dn: ou=away,ou=people,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\n"
            f"ou: away\nref: {referral}/ou=people,{BASE}\n"
        )
    return "\n".join(entries)


def _program(name: str) -> str:
    """Return the path of a program. Raises FileNotFoundError."""
    # Debian keeps servers where the path of an ordinary user does not look.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; tests/packages.sh installs it")
    return found


def _run(program: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a program of the tests
        [_program(program), *arguments], cwd=folder, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
