"""What several kinds use: request bodies, tags, provisioning states, the endpoint's document, scoring."""
