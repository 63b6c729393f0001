"""Knobs: what can be set on a device. The contract is ``base``."""
