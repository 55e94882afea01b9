"""Azure's telemetry, which is thrown away."""
