"""Decisions as pure functions: (snapshot, event, now) -> what changes. No I/O, no clock of its own."""
