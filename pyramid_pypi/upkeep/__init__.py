"""Looking after what is stored: backups, copies, static sites, imports, checks and cleaning."""

from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = ["UpkeepError"]
