"""Somebody else in the workspace, by the service's API: put FILE (uploads it, and makes it asset qa:1), or show."""

import sys
from pathlib import Path

from phift import home
from phift.azure.connect import connect
from phift.emulator.host import lifecycle

azure = connect(None, local=lifecycle.ensure(home.locate()))
asset = f"{azure.workspace.arm_id}/data/qa/versions/1"
if sys.argv[1] == "put":
    azure.blobs.put("others/qa.jsonl", Path(sys.argv[2]).read_bytes())
    uri = "azureml://datastores/workspaceblobstore/paths/others/qa.jsonl"
    azure.arm.put(asset, "2024-10-01", {"properties": {"dataType": "uri_file", "dataUri": uri}})
document = azure.arm.get(asset, "2024-10-01")["properties"]
content = azure.blobs.get("others/qa.jsonl")
print(
    f"qa:1 {document['dataUri'].partition('/datastores/')[2]}, archived {document['isArchived']}, {len(content)} bytes"
)
