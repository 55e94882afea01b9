"""One module a kind: the translation between the spec's words, azure-ai-ml's entities and the REST documents."""
