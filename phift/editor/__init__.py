"""What editors know of the spec: its JSON schema, with completions and hovers from the catalogue."""

from phift.editor.schema import SCHEMA_FILE, SCHEMA_ID, json_schema, schema_text

__all__ = ["SCHEMA_FILE", "SCHEMA_ID", "json_schema", "schema_text"]
