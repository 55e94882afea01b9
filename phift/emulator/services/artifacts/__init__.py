"""The artifact service: the files of a run, by origin, container and path."""
