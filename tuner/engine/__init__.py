"""Engines propose configurations. The contract is ``base``, the names are in ``registry``."""
