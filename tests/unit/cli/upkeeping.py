"""An index of two hosted repositories in a folder, and the commands on it."""

from contextlib import contextmanager
from datetime import UTC, datetime

from click.testing import CliRunner
from pyramid.paster import get_appsettings

from pyramid_pypi.app import compose
from pyramid_pypi.cli import main
from pyramid_pypi.distribution import LENIENT, parse_filename
from pyramid_pypi.model import Identity
from pyramid_pypi.plugins import Plugins
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.settings import load, plugin_names
from pyramid_pypi.storage.reading import hash_blob
from pyramid_pypi.testing.artefacts import make_metadata, make_wheel
from tests.live import write_ini
from tests.postgres import catalog_of

ANN = Identity.user("ann")


def make_index(folder, name="x.ini", **more):
    """Write the ini of an index whose data are in `folder`; return its path."""
    folder.mkdir(exist_ok=True, parents=True)
    settings = {
        "pypi.data": str(folder),
        "pypi.catalog": catalog_of(folder),
        "pypi.repositories": "private other",
        "pypi.repo.private": "hosted",
        "pypi.repo.private.storage": "filesystem",
        "pypi.repo.private.storage.path": "packages",
        "pypi.repo.other": "hosted",
        "pypi.repo.other.storage": "filesystem",
        "pypi.repo.other.storage.path": "other",
    }
    return write_ini(folder / name, settings | more)


def run(ini, command, *arguments):
    """Run a command with an ini and more arguments."""
    return CliRunner().invoke(main, [command, str(ini), *map(str, arguments)])


def ran(ini, command, *arguments):
    """Run a command that succeeds; return what it printed to standard output."""
    result = run(ini, command, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@contextmanager
def index_of(ini):
    """Open the index of an ini."""
    keys = get_appsettings(str(ini))
    plugins = Plugins.load(plugin_names(keys))
    index = compose(load(keys, plugins), plugins)
    try:
        yield index
    finally:
        index.close()


def wheel_name(project, version):
    return f"{project.replace('-', '_')}-{version}-py3-none-any.whl"


def put(hosted, project, version, *, content=None, signature=None, by=ANN, **options):
    """Publish a wheel; return the file."""
    content = make_wheel(project, version, **options) if content is None else content
    with hosted.stage() as staged:
        staged.write(content)
        staged.finish()
        upload = Upload(
            filename=parse_filename(wheel_name(project, version), LENIENT),
            display=project,
            size=len(content),
            hashes=hash_blob([content]),
            staged=staged,
            requires_python=options.get("requires_python"),
            core_metadata=make_metadata(project, version, **options),
            signature=signature,
            comment="as it was",
        )
        return hosted.add(upload, by)[0]


def listing(ini, repository="private"):
    """Return the files of a repository by name."""
    with index_of(ini) as index:
        return {file.filename: file for file in index.catalog.files(repository)}


def now():
    return datetime.now(UTC)
