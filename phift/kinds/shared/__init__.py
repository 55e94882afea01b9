"""Code shared by kinds: request bodies, tags, provisioning states, the endpoint's document, scoring."""
