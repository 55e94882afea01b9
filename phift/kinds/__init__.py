"""The resource kinds, one folder each, which contains everything about the kind. See CONTRIBUTING.md."""

# The spec consists of the blocks of the kinds, which use the types of the spec: it must be imported first.
import phift.spec  # noqa: F401
