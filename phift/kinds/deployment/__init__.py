"""deployment: a managed online deployment."""
