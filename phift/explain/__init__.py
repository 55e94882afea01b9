"""What each diagnostic code means, why phift checks it, and how to fix what causes it.

The texts are data, a file an area; `phift explain` and docs/diagnostics.md show them, and nothing else loads them.
"""

from phift.explain.catalogue import AREAS, Explanation, explanations

__all__ = ["AREAS", "Explanation", "explanations"]
