"""From a spec and facts to the resources wanted, as frozen plain values."""
