"""Meters: what can be measured on a device. The contract is ``base``."""
