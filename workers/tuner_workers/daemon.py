"""The worker daemon: lease, measure, spool, hand in; and leave the device as it was found."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from tuner_protos.convert import inventory_to_proto, result_to_proto
from tuner_protos.v1 import workers_pb2 as pb

from tuner.core.clock import Clock
from tuner.core.errors import InvalidInput, StaleLease, TunerError, Unavailable
from tuner.core.trial import Cause, CauseKind, Result, TrialState
from tuner.core.worker import Inventory
from tuner_workers.heartbeat import Heartbeat
from tuner_workers.identity import LeaseCounter
from tuner_workers.link import Interrupted, Link
from tuner_workers.measurement.assignment import assignment_from_proto
from tuner_workers.measurement.attempt import Outcome, measure
from tuner_workers.measurement.bench import Device
from tuner_workers.measurement.control import Control
from tuner_workers.outbox import hand_in
from tuner_workers.spool import Spool


@dataclass(frozen=True)
class Backoff:
    """Seconds between tries at a server that is away: "full jitter" (M. Brooker, "Exponential Backoff and Jitter", AWS
    Architecture Blog, 2015), so that a fleet does not return in step."""

    first: float = 0.1
    longest: float = 5.0

    def delay(self, tries: int, rng: random.Random) -> float:
        """Before try number ``tries``, counted from 0."""
        return rng.uniform(0.0, min(self.longest, self.first * 2.0 ** min(tries, 30)))


LEASE_WAIT = 20.0
"""Seconds that the server may take to find something to measure."""

FAREWELL = 3.0
"""Seconds for each last word to the server when leaving."""

BACKOFF = Backoff()

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Self:
    """Who this worker is, as it registers; the inventory was taken before any knob was set."""

    worker_id: str
    name: str
    inventory: Inventory


class Daemon:
    """One worker's life from its registration to its leaving. ``run`` belongs to the main thread.

    Args:
        broken: what could not be restored at start; not "" puts the worker in quarantine: it stays registered and takes
            no lease.
    """

    def __init__(
        self,
        me: Self,
        device: Device,
        link: Link,
        spool: Spool,
        counter: LeaseCounter,
        clock: Clock,
        rng: random.Random,
        broken: str = "",
    ) -> None:
        self._me, self._device, self._link = me, device, link
        self._spool, self._counter, self._clock, self._rng = spool, counter, clock, rng
        self._broken = broken
        self._backoff = BACKOFF
        self._leaving, self._draining = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._control: Control | None = None
        self._sequence: int | None = None
        self._given_up = ""
        self._reasons: tuple[str, ...] = ()

    def leave(self, reason: str) -> None:
        """End what is measured now, restore, and return from ``run``. From any thread."""
        _log.info("leaving: %s", reason)
        with self._lock:
            self._leaving.set()
            if self._control is not None:
                self._control.cancel()
        self._link.interrupt()

    def run(self) -> None:
        """Measure until it is told to leave.

        Raises:
            Refused: the server does not take this worker.
            OSError: the state directory cannot be read or written.
        """
        registered = self._persist(self._register)
        if registered is None:
            return
        _log.info("registered as %s (%s)", self._me.name, self._me.worker_id)
        # A server that was restarted keeps a lease for one term: by then its holder has to have tried, more than once.
        self._backoff = replace(BACKOFF, longest=min(BACKOFF.longest, registered.heartbeat_interval))
        heartbeat = Heartbeat(
            self._link, registered.heartbeat_interval, self._register, self._draining.set, self._broken
        )
        heartbeat.start()
        try:
            self._persist(lambda: self._give_back(registered.held))
            while not self._leaving.is_set():
                self._persist(self._hand_in)
                if self._broken:
                    _log.error("in quarantine, because the device is not as it was found: %s", self._broken)
                    self._leaving.wait()
                elif self._draining.is_set():
                    _log.info("leaving: the server asked for it")
                    return
                elif (assignment := self._persist(self._lease)) is not None:
                    self._measure(assignment, heartbeat)
        finally:
            self._link.interrupt()
            heartbeat.close()
            self._farewell()

    def _register(self) -> pb.RegisterResponse:
        inventory = inventory_to_proto(self._me.inventory)
        return self._link.register(pb.RegisterRequest(name=self._me.name, inventory=inventory, broken=self._broken))

    def _give_back(self, held: Iterable[str]) -> None:
        """Leases of an earlier life are returned, but for those whose results are in the spool."""
        finished = {entry.request.token for entry in self._spool.pending()}
        for token in held:
            if token not in finished:
                with suppress(StaleLease):
                    self._link.release(token, "the worker died and was restarted", lost=True)

    def _hand_in(self) -> None:
        hand_in(self._spool, self._link)

    def _lease(self) -> pb.Assignment | None:
        """Ask for something to measure; a request that got no answer is repeated under its number."""
        if self._sequence is None:
            self._sequence = self._counter.next()
        try:
            response = self._link.lease(self._sequence, LEASE_WAIT)
        except StaleLease as error:
            self._register()
            raise Unavailable(f"the server had forgotten this worker: {error}") from error
        if response.directive == pb.DIRECTIVE_DRAIN:
            self._draining.set()
        if not response.HasField("assignment"):
            reasons = tuple(response.reasons)
            if reasons != self._reasons:
                _log.info("nothing to measure%s", ": " * bool(reasons) + "; ".join(reasons))
            self._reasons = reasons
            return None
        self._sequence, self._reasons = None, ()
        return response.assignment

    def _measure(self, message: pb.Assignment, heartbeat: Heartbeat) -> None:
        control = Control()
        with self._lock:
            self._control = control
            if self._leaving.is_set():
                control.cancel()
        heartbeat.begin(message.token, control)
        try:
            outcome = self._attempt(message, control, heartbeat)
        finally:
            heartbeat.end()
            with self._lock:
                self._control = None
        if outcome.broken:
            self._broken = outcome.broken
            heartbeat.quarantine(outcome.broken)
        if outcome.result is None:
            _log.info("trial %s: ended with nothing to report", message.trial_id)
            self._given_up = message.token if self._leaving.is_set() else ""
            return
        _log.info("trial %s: %s", message.trial_id, _describe(outcome.result))
        self._spool.add(
            pb.FinishRequest(worker_id=self._me.worker_id, token=message.token, result=result_to_proto(outcome.result))
        )

    def _attempt(self, message: pb.Assignment, control: Control, heartbeat: Heartbeat) -> Outcome:
        try:
            assignment = assignment_from_proto(message)
        except InvalidInput as error:
            cause = Cause(CauseKind.UNAVAILABLE, f"this worker does not understand what it was given: {error}")
            return Outcome(Result(TrialState.FAILED, cause=cause))
        _log.info("trial %s: %s of %s", assignment.trial_id, assignment.purpose.value, dict(assignment.configuration))
        return measure(assignment, self._device, clock=self._clock, report=heartbeat, control=control)

    def _persist(self, step: Callable[[], Answer]) -> Answer | None:
        """Do it, and try again for as long as the server is away; None when it is time to leave instead."""
        tries = 0
        while not self._leaving.is_set():
            try:
                return step()
            except Interrupted:
                continue
            except Unavailable as error:
                if tries == 0:
                    _log.warning("the server is away, trying again: %s", error)
                self._leaving.wait(self._backoff.delay(tries, self._rng))
                tries += 1
        return None

    def _farewell(self) -> None:
        """Give back what is not measured to its end, and hand in what is: if the server answers now, else it finds out
        by itself, or from the spool at the next start."""
        self._link.resume()
        try:
            if self._given_up:
                with suppress(StaleLease):
                    self._link.release(self._given_up, "the worker leaves", FAREWELL)
            hand_in(self._spool, self._link, FAREWELL)
        except TunerError as error:
            _log.warning("the server did not hear the last words of this worker: %s", error)
        if left := self._spool.pending():
            _log.warning("%d results stay in the spool until the next start", len(left))


def _describe(result: Result) -> str:
    """One line for the log."""
    values = ", ".join(f"{o.metric} {o.mean:.4g} {o.unit}".rstrip() for o in result.observations)
    parts = (str(result.cause) if result.cause else "", values, f"{result.cost:.1f} s")
    return "; ".join(filter(None, (result.state.value, *parts)))
