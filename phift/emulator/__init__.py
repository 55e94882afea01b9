"""The Azure ML emulator: the service's HTTP, trained and served on this machine.

It meets the rest of phift over HTTP alone. `phift.emulator.host.lifecycle` starts and finds it and is cheap to import;
everything else here belongs to the process that `python -m phift.emulator.host.daemon` runs.
"""
