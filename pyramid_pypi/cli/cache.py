"""`pyramid-pypi cache`: what proxies keep of their upstreams."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from pyramid_pypi.app import PackageIndex, Served, compose
from pyramid_pypi.cli._lockfiles import WantedFile, wanted_files
from pyramid_pypi.cli._warm import Choice, Found, Warmer
from pyramid_pypi.cli.load import load_plugins, load_settings
from pyramid_pypi.errors import PypiError, RepositoryNotFound
from pyramid_pypi.model import File
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.settings import ProxySettings, casts

__all__ = ["cache"]
