"""The embedded Azure ML: a service of its own that speaks Azure's HTTP, trains and serves on this machine."""
