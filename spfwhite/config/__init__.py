"""What the operator wants: `providers.toml` and its overlays, read into a `Config`."""

from spfwhite.config.loading import load
from spfwhite.config.settings import Config
from spfwhite.errors import ConfigError

__all__ = ["Config", "ConfigError", "load"]
