"""Requests to online endpoints, and the gateway that forwards them."""
