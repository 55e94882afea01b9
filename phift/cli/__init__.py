"""The command line: options, one call of a phase, a view, an exit code. Only `main.py` exits."""
