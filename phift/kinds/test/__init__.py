"""test: requests that a deployment must answer before it receives traffic."""
