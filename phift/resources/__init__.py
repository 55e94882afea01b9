"""Resource kinds: how each is read, compared, written and waited for."""
