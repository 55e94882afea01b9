"""The one workspace, and the status of its long-running operations."""
