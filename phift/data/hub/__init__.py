"""Data of the Hugging Face hub: resolve a request to a pin, and read its rows.

    HubRequest   what the spec asks for            HubSplit   the pin that the lock file keeps
    resolve      request -> pin (network, once)    newest     the commit that a revision refers to now
    Selection    which rows                        transfer   bytes to read for them, from the pin alone
    read         pin -> rows (network, or caches)  HubClient  address, token, certificates, retries

A plan with a full lock needs HubRequest, HubSplit, Selection and transfer, which send nothing and import nothing heavy.
`resolve`, and `read` of other formats than Parquet, import `datasets` (and with it huggingface_hub); `read`, and
`resolve` with a count of rows, import pyarrow. Errors: see `phift.data.hub.errors`.

A name is imported when it is asked for, because a stack without hub data needs the pins alone.
"""

from typing import TYPE_CHECKING

from phift.lazy import imported_on_use

if TYPE_CHECKING:
    from phift.data.hub.client import HubClient
    from phift.data.hub.errors import HubError
    from phift.data.hub.pins import HubFile, HubRequest, HubSplit
    from phift.data.hub.resolving import newest, resolve, splits_of
    from phift.data.hub.rows import Download, Progress, Row, read
    from phift.data.hub.selection import Selection, transfer

__all__ = [
    "Download",
    "HubClient",
    "HubError",
    "HubFile",
    "HubRequest",
    "HubSplit",
    "Progress",
    "Row",
    "Selection",
    "newest",
    "read",
    "resolve",
    "splits_of",
    "transfer",
]

_MODULES = {
    "Download": "phift.data.hub.rows",
    "HubClient": "phift.data.hub.client",
    "HubError": "phift.data.hub.errors",
    "HubFile": "phift.data.hub.pins",
    "HubRequest": "phift.data.hub.pins",
    "HubSplit": "phift.data.hub.pins",
    "Progress": "phift.data.hub.rows",
    "Row": "phift.data.hub.rows",
    "Selection": "phift.data.hub.selection",
    "newest": "phift.data.hub.resolving",
    "read": "phift.data.hub.rows",
    "resolve": "phift.data.hub.resolving",
    "splits_of": "phift.data.hub.resolving",
    "transfer": "phift.data.hub.selection",
}
"""By name, where it is."""

__getattr__ = imported_on_use(__name__, _MODULES)
