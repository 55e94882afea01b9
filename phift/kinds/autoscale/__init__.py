"""autoscale: the Azure Monitor autoscale setting of a deployment."""
