"""One module a part of the service; each exposes ROUTES, and app.py lists them."""
