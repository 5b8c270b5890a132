"""A plugin that ends its process at one step of a change, as a crash would.

`PYPI_CRASH_AT` names a file, and that file a step while it exists: `put before`. Nothing of this is in
the library: the plugin wraps its methods, where a test lists it in `pypi.plugins`.
"""

import functools
import os
import signal
from pathlib import Path

from pyramid_pypi import hookimpl
from pyramid_pypi.catalog import Catalog
from pyramid_pypi.catalog.stamp import FileStamp
from pyramid_pypi.publish.publisher import Publisher
from pyramid_pypi.storage.base import StagedFile
from pyramid_pypi.storage.filesystem import FilesystemStorage

STEPS = {
    "stage": (FilesystemStorage, "stage"),
    "flush": (StagedFile, "finish"),
    "put": (FilesystemStorage, "put"),
    "name": (FilesystemStorage, "_into_folder"),
    "keep": (FilesystemStorage, "_keep"),
    "record": (FilesystemStorage, "put_record"),
    "row": (Catalog, "add"),
    "stamp": (FileStamp, "renew"),
    "answer": (Publisher, "publish"),
    "unlist": (Catalog, "remove"),
    "unrecord": (FilesystemStorage, "delete_record"),
    "unput": (FilesystemStorage, "delete"),
}


def die_if(step, when):
    wanted = Path(os.environ["PYPI_CRASH_AT"])
    if wanted.exists() and wanted.read_text() == f"{step} {when}":
        os.kill(os.getpid(), signal.SIGKILL)


def wrap(step, owner, name):
    original = getattr(owner, name)

    @functools.wraps(original)
    def stepping(*arguments, **named):
        die_if(step, "before")
        result = original(*arguments, **named)
        die_if(step, "after")
        return result

    setattr(owner, name, stepping)


@hookimpl
def pypi_configure(config):
    """Wrap the steps of this process."""
    for step, (owner, name) in STEPS.items():
        wrap(step, owner, name)
