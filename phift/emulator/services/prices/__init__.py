"""Prices of virtual machines: the Retail Prices API, and the estimates that the sizes of a region come with."""
