"""Generated code of the package ``tuner.v1``; see the .proto files beside it."""
