"""The workbench: one spec on one target, loaded, connected, pinned and compiled. All commands work on it."""
