"""Conformance suites that any store or engine can run, third parties' included."""
