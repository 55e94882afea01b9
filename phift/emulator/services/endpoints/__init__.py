"""Online endpoints."""
