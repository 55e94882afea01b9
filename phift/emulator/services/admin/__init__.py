"""The emulator's own requests: status, request log, faults, pace, stop."""
