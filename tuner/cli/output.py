"""What commands print: rich text to people, JSON to programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console() -> Console:
    """Standard output. No colours when it is piped or NO_COLOR is set; no text of a user is read as markup."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def show(*renderables: RenderableType) -> None:
    """Print for people."""
    out = console()
    for renderable in renderables:
        out.print(renderable)


def emit(record: object) -> None:
    """Print for programs."""
    click.echo(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))


def emit_line(record: object) -> None:
    """Print for programs that read a stream: one object a line."""
    click.echo(json.dumps(record, ensure_ascii=False, allow_nan=False))
