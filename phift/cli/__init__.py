"""The command line. A command parses options, calls one phase, renders a view and returns an exit code; only
`main.py` exits."""
