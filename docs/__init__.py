"""The pages of the docs site, what generates some of them (`docs.generate`), and the hooks of MkDocs."""
