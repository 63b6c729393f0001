"""Protocol buffers and gRPC stubs of the tuner. ``v1`` is generated: run ``make protos`` after a change."""
