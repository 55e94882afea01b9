"""The plan: a frozen, versioned, serialisable value; apply obeys it and decides nothing new."""
