"""environment: an environment that the spec defines, identified by its content."""
