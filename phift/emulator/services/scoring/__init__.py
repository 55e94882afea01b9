"""Questions to online endpoints, and the gateway that passes them on."""
