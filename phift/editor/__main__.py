"""Write the schema of the repository: `python -m phift.editor > schemas/phift.schema.json`."""

import sys

from phift.editor import schema_text

if __name__ == "__main__":
    sys.stdout.write(schema_text())
