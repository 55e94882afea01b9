"""Render results for people, programs and pull requests. The layers below produce values and events, never text."""
