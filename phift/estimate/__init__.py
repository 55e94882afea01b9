"""Estimates of a training before it runs: GPU and host memory, speed, number of tokens.

Pure functions of plain values, without a tokenizer, a model library or a request. docs/memory.md has the formulas and
their errors against public measurements.
"""
