"""Showing a study while it runs: a live view in a terminal, one line an event in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import click

from tuner.cli.follow import Follower, Update
from tuner.cli.output import console, emit_line, show
from tuner.core.clock import SteadyClock
from tuner.report.lines import progress_lines
from tuner.report.live import live
from tuner.report.page import answers, heading, next_steps, notes
from tuner.report.records import event_record
from tuner.report.snapshot import Snapshot

if TYPE_CHECKING:
    from rich.live import Live

    from tuner.client.client import Client

TICK = 0.2
"""Seconds between looks at signals and processes, and between frames of the live view."""


class Display(Protocol):
    """Shows updates while its context lasts."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, update: Update) -> None:
        """Something happened."""

    def tick(self) -> None:
        """Nothing happened; time goes on."""


class LiveDisplay:
    """Redraws the whole view in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self._clock = SteadyClock()
        self._live: Live = Live(console=console(), auto_refresh=False, transient=True)
        self._snapshot: Snapshot | None = None
        self._since = self._clock.now()

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, update: Update) -> None:
        self._snapshot, self._since = update.snapshot, self._clock.now()
        self.tick()

    def tick(self) -> None:
        if self._snapshot is not None:
            age = self._clock.now() - self._since
            self._live.update(live(self._snapshot.later(age)), refresh=True)


class LineDisplay:
    """Prints a line for each event since a moment that a person wants to read of, and each note when it appears."""

    def __init__(self, since: float = 0.0) -> None:
        self._since = since
        self._notes: set[str] = set()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do: every line stands."""

    def show(self, update: Update) -> None:
        for event in update.events:
            if event.at >= self._since:
                for line in progress_lines(update.snapshot, event):
                    click.echo(line)
        for note in update.snapshot.study.notes:
            if note not in self._notes:
                click.echo(f"! {note}")
        self._notes = set(update.snapshot.study.notes)

    def tick(self) -> None:
        """Time alone is no news."""


class JsonDisplay(LineDisplay):
    """Prints every event as JSON, one object a line."""

    def show(self, update: Update) -> None:
        for event in update.events:
            emit_line(event_record(event))


def display(*, as_json: bool = False, since: float = 0.0) -> Display:
    """What suits where standard output goes; lines tell only of what happened since then (seconds since the epoch)."""
    if as_json:
        return JsonDisplay()
    return LiveDisplay() if console().is_terminal else LineDisplay(since)


def follow(
    client: Client,
    study: str,
    shown: Display,
    *,
    stopped: Callable[[], bool],
    check: Callable[[Snapshot | None], None] = lambda snapshot: None,
) -> Snapshot | None:
    """Show a study until it has ended, and return it; None when ``stopped`` said so before. Closes ``client``.

    Args:
        check: called several times a second with the latest snapshot; what it raises ends the following.
    """
    snapshot: Snapshot | None = None
    with Follower(client, study) as follower, shown:
        while not stopped():
            check(snapshot)
            try:
                update = follower.next(TICK)
            except EOFError:
                return snapshot
            if update is None:
                shown.tick()
            else:
                snapshot = update.snapshot
                shown.show(update)
    return None


def final_report(snapshot: Snapshot, options: str = "") -> None:
    """What there is to say at the end; ``options`` are those that lead to the same store."""
    show(heading(snapshot), *notes(snapshot), *answers(snapshot), next_steps(snapshot.study.name, options))
