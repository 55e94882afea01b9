"""The blocks of the spec, one module a kind."""
