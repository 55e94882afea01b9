"""Blob storage of the emulator.

engine: the store over an index (SQLite) and content files; lease, conditions, names: its rules as values.
sas, shared_key, authorization: who may do what. account: the store for the rest of the emulator, in process.
"""
