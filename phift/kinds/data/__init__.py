"""data: one version of a split, named by the digest of its recipe."""
