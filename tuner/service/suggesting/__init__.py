"""Suggestions: made in another process (``host``), ahead of need (``pool``), for every study (``suggester``)."""
