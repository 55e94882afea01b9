"""The workspace's versioned assets: data, models, environments, components, codes."""

from __future__ import annotations

from phift.emulator.services.assets.base import routes
from phift.emulator.services.assets.codes import CODE_ROUTES
from phift.emulator.services.assets.components import COMPONENTS
from phift.emulator.services.assets.data import DATA
from phift.emulator.services.assets.environments import ENVIRONMENTS
from phift.emulator.services.assets.models import MODELS

__all__ = ["ROUTES"]

ROUTES = (*routes(DATA), *routes(MODELS), *routes(ENVIRONMENTS), *routes(COMPONENTS), *CODE_ROUTES)
