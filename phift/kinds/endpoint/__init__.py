"""endpoint: a managed online endpoint."""
