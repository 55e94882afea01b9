"""The stand-in for base weights that cannot be had offline: a tiny Phi-3, its facts, and the script that builds it."""
