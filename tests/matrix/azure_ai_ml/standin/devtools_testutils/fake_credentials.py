"""The credential of recorded tests, which live ones only import."""

__all__ = ["SANITIZED", "FakeTokenCredential"]

SANITIZED = "Sanitized"


class FakeTokenCredential:
    """A credential that no live test asks for a token."""

    def get_token(self, *scopes: str, **kwargs: object) -> None:
        raise AssertionError("a live test has a credential of its own")
