"""Azure's telemetry, which is discarded."""
