"""traffic: the traffic split of an endpoint."""
