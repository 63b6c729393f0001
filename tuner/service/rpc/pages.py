"""Lists come a page at a time."""

from __future__ import annotations

from tuner.core.errors import InvalidInput, NotFound, Problem

PAGE = 100
LARGEST_PAGE = 1000


def page_size(asked: int) -> int:
    """The size of a page.

    Raises:
        InvalidInput: it is negative or too large.
    """
    if not 0 <= asked <= LARGEST_PAGE:
        raise InvalidInput(Problem("page_size", "is out of range", asked, f"0 to {LARGEST_PAGE}"))
    return asked or PAGE


def page_number(token: str) -> int:
    """The number behind a page token of a numbered list.

    Raises:
        NotFound: it is no token that this server gave.
    """
    if token and not (token.isascii() and token.isdigit() and len(token) < 10):
        raise NotFound(f"there is no page {token!r}; use the next_page_token of the page before")
    return int(token or 0)
