"""The passes of compilation, one module each: a draft in, resources out."""
