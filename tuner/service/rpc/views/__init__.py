"""Stored things as messages: what readers see of a study, its trials, its answer and its workers."""
