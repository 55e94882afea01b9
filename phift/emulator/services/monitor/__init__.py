"""Azure Monitor: metrics of online endpoints and deployments, and the autoscale settings of deployments."""
