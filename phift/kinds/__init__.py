"""The resource kinds, a folder each: all that phift knows of a kind is in its folder. See CONTRIBUTING.md."""

# The document of the spec is made of the kinds' blocks, and these of the spec's types: it must be imported first.
import phift.spec  # noqa: F401
