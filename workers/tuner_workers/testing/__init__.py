"""Conformance suites that any knob, meter or workload can run, third parties' included."""
