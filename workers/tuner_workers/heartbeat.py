"""Heartbeats, in a thread of their own: however long a run takes, the server hears from this worker in time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tuner_protos.convert import intermediate_to_proto
from tuner_protos.v1 import workers_pb2 as pb

from tuner.core.errors import StaleLease, TunerError, Unavailable
from tuner.core.observation import Intermediate
from tuner_workers.link import Interrupted, Link
from tuner_workers.measurement.control import Control

CURVE_GAP = 0.5
"""Seconds between heartbeats that are sent early because the learning curve has a new point."""

_log = logging.getLogger(__name__)


class Heartbeat:
    """Beats until it is closed, and passes on what the server answers: stop and cancel to the running attempt, drain to
    ``on_drain``.

    While an attempt is measured this is its ``Reporter``. A lost lease changes nothing here: what is being measured is
    measured to its end, and the server decides what the result still counts for.

    Args:
        interval: seconds between beats, as the server wants it.
        register: introduces the worker again; called before the first beat after the server was away.
        on_drain: called, from this thread, when the server asks this worker to finish and leave.
    """

    def __init__(
        self,
        link: Link,
        interval: float,
        register: Callable[[], object],
        on_drain: Callable[[], None],
        broken: str = "",
    ) -> None:
        self._link, self._interval = link, interval
        self._register, self._on_drain = register, on_drain
        self._changed = threading.Condition()
        self._broken = broken
        self._token = ""
        self._control: Control | None = None
        self._running = False
        self._points: list[Intermediate] = []
        self._urgent = False
        self._closed = False
        self._away = False
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop beating. A beat under way is waited for; ``Link.interrupt`` shortens that."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def begin(self, token: str, control: Control) -> None:
        """An attempt begins; ``control`` is told what the server wants of it."""
        with self._changed:
            self._token, self._control, self._running, self._points = token, control, False, []

    def end(self) -> None:
        """The attempt has ended."""
        with self._changed:
            self._token, self._control, self._running, self._points = "", None, False, []

    def running(self) -> None:
        """The workload has been started: the server hears of it at once, the first time."""
        with self._changed:
            if not self._running:
                self._running = self._urgent = True
                self._changed.notify()

    def intermediate(self, point: Intermediate) -> None:
        """A point of the learning curve; it travels with a beat soon."""
        with self._changed:
            self._points.append(point)
            self._changed.notify()

    def quarantine(self, broken: str) -> None:
        """The device is not as it was found: said at once, and with every beat from now on."""
        with self._changed:
            self._broken = broken
            self._urgent = True
            self._changed.notify()

    def _beat(self) -> None:
        while self._wait():
            with self._changed:
                token, points = self._token, self._points
                self._points, self._urgent = [], False
                request = pb.HeartbeatRequest(
                    token=token,
                    running=self._running,
                    intermediates=map(intermediate_to_proto, points),
                    broken=self._broken,
                )
            try:
                if self._away:
                    self._register()
                    _log.info("the server is back")
                    self._away = False
                directive = self._link.heartbeat(request, max(self._interval, 1.0)).directive
            except TunerError as error:
                self._missed(error, token, points)
            else:
                self._obey(directive, token)

    def _wait(self) -> bool:
        """Until the next beat is due; whether there is to be one."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._urgent, min(self._interval, CURVE_GAP))
            if not self._points:
                rest = max(0.0, self._interval - CURVE_GAP)
                self._changed.wait_for(lambda: self._closed or self._urgent or bool(self._points), rest)
            return not self._closed

    def _missed(self, error: TunerError, token: str, points: list[Intermediate]) -> None:
        if isinstance(error, Interrupted):
            return
        if isinstance(error, StaleLease):
            # A beat without a token comes next: if that is refused too, the server has forgotten this worker.
            self._away = self._away or not token
            with self._changed:
                if token and token == self._token:
                    self._token = ""
                    _log.warning("the lease is lost (%s); what is measured is measured to its end", error)
            return
        if isinstance(error, Unavailable):
            with self._changed:
                if token == self._token:
                    self._points = points + self._points
            if not self._away:
                _log.warning("no heartbeat gets through: %s", error)
            self._away = True
        else:
            _log.error("the server refuses the heartbeat: %s", error)

    def _obey(self, directive: int, token: str) -> None:
        with self._changed:
            control = self._control if token and token == self._token else None
        if directive == pb.DIRECTIVE_DRAIN:
            self._on_drain()
        elif control is None:
            return
        elif directive == pb.DIRECTIVE_CANCEL:
            _log.info("the server cancels the trial")
            control.cancel()
        elif directive == pb.DIRECTIVE_STOP and not control.stopped:
            _log.info("the server stops the trial")
            control.stop()
