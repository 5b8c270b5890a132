"""The settings: flat text of an ini to frozen data, with every problem reported at once."""

from pyramid_pypi.settings.load import load, plugin_names
from pyramid_pypi.settings.model import (
    CredentialSettings,
    GroupSettings,
    HostedSettings,
    Instance,
    LoginSettings,
    ProxySettings,
    RedirectSettings,
    RepositorySettings,
    Settings,
)
from pyramid_pypi.settings.problems import Problem, UnusableSettings
from pyramid_pypi.settings.values import RESERVED_NAMES

__all__ = [
    "RESERVED_NAMES",
    "CredentialSettings",
    "GroupSettings",
    "HostedSettings",
    "Instance",
    "LoginSettings",
    "Problem",
    "ProxySettings",
    "RedirectSettings",
    "RepositorySettings",
    "Settings",
    "UnusableSettings",
    "load",
    "plugin_names",
]
