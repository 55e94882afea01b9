"""Sign-in: Entra ID's token endpoint and the identity endpoint of a VM."""
