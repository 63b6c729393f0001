"""The server: gRPC in front (``rpc``), transactions behind (``operations``), suggestions beside (``suggesting``)."""
