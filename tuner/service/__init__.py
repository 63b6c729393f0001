"""The server: gRPC in front, the store behind, the schedule between."""
