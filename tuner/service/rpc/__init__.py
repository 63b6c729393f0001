"""gRPC: one servicer for each service of ``tuner.v1``, errors as google.rpc.Status, authentication."""
