"""Compile a spec and facts to the desired resources, as frozen plain values."""
