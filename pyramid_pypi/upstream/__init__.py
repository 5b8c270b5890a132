"""Following other indexes: asking them, reading their pages, and keeping what they said."""

from pyramid_pypi.upstream.base import NameList, Transfer, Upstream, UpstreamPage, Validator

__all__ = ["NameList", "Transfer", "Upstream", "UpstreamPage", "Validator"]
