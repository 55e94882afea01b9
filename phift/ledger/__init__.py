"""The lease that lets one apply write, and the journal of what each apply did, in the workspace's own blob store.

Losing it loses history, never correctness.
"""
