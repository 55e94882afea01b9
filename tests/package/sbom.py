"""Writes the software bill of materials of an environment: `python tests/package/sbom.py TOOLS ENVIRONMENT FILE`.

TOOLS: the environment with cyclonedx-bom. ENVIRONMENT: the one to describe, with phift.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIST = "import importlib.metadata as m; print(*(f\"{d.metadata['Name']}=={d.version}\" for d in m.distributions()))"


def main(tools: Path, environment: Path, out: Path) -> None:
    """Write the bill, with the version of phift, which is not in pyproject.toml. Fail if a package is missing."""
    python = environment / "bin" / "python"
    asked = ["environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
    subprocess.run([tools / "bin" / "cyclonedx-py", *asked, "-o", out, python], check=True)
    bill: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    listed = subprocess.run([python, "-c", LIST], check=True, capture_output=True, text=True).stdout.split()
    installed = dict(one.split("==") for one in listed)
    bill["metadata"]["component"]["version"] = installed.pop("phift")
    described = {component["name"]: component["version"] for component in bill["components"]}
    if described != installed:
        sys.exit(f"the bill and the environment differ: {sorted(described.items() ^ installed.items())}")
    out.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote {out}: phift {bill['metadata']['component']['version']} and {len(described)} packages")


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:]))
