"""Write the generated pages of docs/reference: `python -m docs.generate`."""

from __future__ import annotations

from docs.generate import GENERATED, ROOT

for name, page in GENERATED.items():
    (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / name).write_text(page(), encoding="utf-8")
