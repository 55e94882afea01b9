"""The operations of the blob service, each a function from an exchange to an answer."""
