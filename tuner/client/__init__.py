"""The client library: everything the service offers, from Python."""
