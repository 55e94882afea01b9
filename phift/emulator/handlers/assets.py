"""The workspace's versioned assets: data, models, environments, components, codes."""

from __future__ import annotations

from phift.emulator.handlers.assets_base import routes
from phift.emulator.handlers.assets_codes import CODE_ROUTES
from phift.emulator.handlers.assets_components import COMPONENTS
from phift.emulator.handlers.assets_data import DATA
from phift.emulator.handlers.assets_environments import ENVIRONMENTS
from phift.emulator.handlers.assets_models import MODELS

__all__ = ["ROUTES"]

ROUTES = (*routes(DATA), *routes(MODELS), *routes(ENVIRONMENTS), *routes(COMPONENTS), *CODE_ROUTES)
