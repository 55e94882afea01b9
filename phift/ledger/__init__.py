"""The lease that serialises applies, and the journal of each apply, in the workspace's own blob store.

Deleting the ledger loses history, never correctness.
"""
