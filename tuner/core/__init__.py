"""The words of the system as pure data: no I/O, no third-party import, nothing that knows a layer above it."""
