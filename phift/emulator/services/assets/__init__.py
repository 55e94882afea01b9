"""The workspace's versioned assets: data, models, environments, components, codes."""
