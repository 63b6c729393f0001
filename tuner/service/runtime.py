"""The running server's parts, and the life they share: one store, one clock, one engine host."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from tuner.core.clock import Clock
from tuner.core.environment import StudyEnvironment
from tuner.core.study import EXTERNAL, Study, StudyState
from tuner.core.worker import WorkerState
from tuner.service.operations.advance import advance
from tuner.service.operations.findings import typical_cost
from tuner.service.operations.leasing import Proposal, expire
from tuner.service.operations.record import change_worker
from tuner.service.options import ServeOptions
from tuner.service.suggesting.host import EngineHost
from tuner.service.suggesting.suggester import Suggester
from tuner.service.transactions import Transactions
from tuner.store.base import Store, Transaction

_TICK = 0.25
"""Seconds between looks at what time alone brings about: expired leases, spent budgets, silent workers."""

_REST = 5.0
"""Seconds to leave a store in peace that could not be written."""

_SECRET = "server-secret"

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Runtime:
    """Made inside the event loop by ``start``; every servicer works through it."""

    def __init__(self, store: Store, clock: Clock, options: ServeOptions) -> None:
        self.clock = clock
        self.options = options
        self.transactions = Transactions(store)
        self.host = EngineHost()
        self.suggester = Suggester(self.transactions, self.host, clock, options.patience, self.notify)
        self._secret = b""
        self._costs: dict[str, tuple[int, float]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._changed = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None
        self.stopping = False

    async def start(self) -> None:
        """Take up what an earlier server left, and look after what time brings about from now on."""
        await self.take_over()
        self._ticker = asyncio.create_task(self._tick_for_ever())

    async def take_over(self) -> None:
        """Take up what an earlier server left: live leases get one full term, the clocks of studies go on."""
        self._secret = await self.transactions.run(self._take_over)

    def _take_over(self, tx: Transaction) -> bytes:
        now = self.clock.now()
        secret = tx.recall(_SECRET)
        if secret is None:
            secret = secrets.token_bytes(32)
            tx.remember(_SECRET, secret, now)
        tx.renew_all(now + self.options.lease_term)
        for attempt in tx.live_attempts():
            spec = tx.study(attempt.study_id).spec
            if spec.workload.kind == EXTERNAL:
                # A program sends no heartbeats: its term is as long as a trial may take.
                tx.update_attempt(attempt, attempt.state, expires_at=now + spec.measurement.timeout)
        for study in tx.studies(states=[StudyState.ACTIVE, StudyState.CONFIRMING]):
            if study.active_since is None:
                continue
            # While no server ran the study was not active; the last event tells how long one did.
            last = max((e.at for e in tx.events(study_id=study.id, after=tx.last_event(study.id) - 1)), default=now)
            resumed = replace(study, active_seconds=study.elapsed(last), active_since=now)
            tx.update_study(resumed, expected=study.state)
        return secret

    async def stop(self) -> None:
        """End what ``start`` began; the store is closed last."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.suggester.close()
        await asyncio.to_thread(self.host.close)
        await asyncio.to_thread(self.transactions.close)

    # --- waiting for change ---

    def notify(self) -> None:
        """Something changed that a waiting worker or watcher may want to know. Belongs to the event loop."""
        self._changed.set()
        self._changed = asyncio.Event()

    def stop_waiting(self) -> None:
        """The server stops: whoever waits for a change is answered now."""
        self.stopping = True
        self.notify()

    @property
    def change(self) -> asyncio.Event:
        """The next change. Whoever will wait for it takes it before looking at the store: what happens between the look
        and the wait is then not missed."""
        return self._changed

    async def changed(self, change: asyncio.Event, seconds: float) -> bool:
        """Wait for a change, at most ``seconds``; False when there is nothing more to wait for."""
        if self.stopping:
            return False
        try:
            await asyncio.wait_for(change.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return not self.stopping

    # --- what leases need ---

    def token(self, *request: str | int) -> str:
        """The fencing token of the lease that a request is for: the same for a repeated request, also after a restart,
        and not to be guessed."""
        return hmac.new(self._secret, repr(request).encode(), hashlib.sha256).hexdigest()[:40]

    def take(self, study: Study, settled: StudyEnvironment) -> Proposal | None:
        """The next suggestion, if one is at hand. Called inside a transaction."""
        return self.suggester.take(study, settled, self._costs.get(study.id, (0, 0.0))[1])

    def prepare(self, study: Study, settled: StudyEnvironment) -> None:
        """A suggestion will be wanted soon. Called inside a transaction."""
        self.suggester.prepare(study, settled)

    def cost_of(self, tx: Transaction, study: Study) -> float:
        """Median seconds of a trial, known until something happens in the study. In any thread: what another one reads
        at another moment is told apart by the last event."""
        if study.state.terminal:
            return 0.0
        last = tx.last_event(study.id)
        at, cost = self._costs.get(study.id, (-1, 0.0))
        if at != last:
            cost = typical_cost(tx, study)
            self._costs[study.id] = last, cost
        return cost

    # --- carrying studies on ---

    async def end_trial(self, work: Callable[[Transaction], tuple[str, Answer]]) -> Answer:
        """Do ``work``, which ends a trial of the study that it names, and carry that study on.

        What was begun is done to its end, even where the caller goes away meanwhile.
        """
        task = asyncio.ensure_future(self._end_trial(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _end_trial(self, work: Callable[[Transaction], tuple[str, Answer]]) -> Answer:
        def within(tx: Transaction) -> tuple[str, int, Answer]:
            study_id, answer = work(tx)
            return study_id, tx.last_event(study_id), answer

        study_id, last, answer = await self.transactions.run(within)
        await self._carry_on(study_id)
        self.suggester.result_arrived(study_id, last)
        self.notify()
        return answer

    async def _carry_on(self, study_id: str) -> bool:
        """Do what is due in a study; whether there was something. In a transaction of its own: whatever is wrong with
        one study, results are stored and the others go on."""
        try:
            return await self.transactions.run(partial(self._advance, study_id))
        except Exception:
            _log.exception("study %s cannot be carried on; it is tried again", study_id)
            return False

    def _advance(self, study_id: str, tx: Transaction) -> bool:
        study, cursor = tx.study(study_id), tx.last_event(study_id)
        cost, exhausted = self.cost_of(tx, study), self.suggester.exhausted(study_id)
        advance(tx, study, self.clock.now(), typical_cost=cost, exhausted=exhausted)
        return tx.last_event(study_id) != cursor

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self.tick()
            except asyncio.CancelledError:
                raise
            except Exception:  # The ticker must outlive a full disk or a lost connection.
                _log.exception("housekeeping failed; it is tried again")
                await asyncio.sleep(_REST)
            await asyncio.sleep(_TICK)

    async def tick(self) -> None:
        """Do what is due by now: leases run out, silent workers are away, studies are carried on."""
        known = {*self.suggester.studies, *list(self._costs)}
        changed, going, due = await self.transactions.run(self._tick)
        for study_id in due:
            changed |= await self._carry_on(study_id)
        for study_id in known - going:
            self.suggester.forget(study_id)
            self._costs.pop(study_id, None)
        if changed:
            self.notify()

    def _tick(self, tx: Transaction) -> tuple[bool, set[str], list[str]]:
        """Whether something happened, the studies that are going on, and those in which something may be due."""
        now = self.clock.now()
        cursor = tx.last_event()
        for attempt in tx.expired_attempts(now):
            study = tx.study(attempt.study_id)
            member = attempt.members[0].worker_id
            reason = f"its lease ran out with no sign of life from worker {member}"
            expire(tx, attempt, now, study.spec.budget.max_attempts, reason)
        for worker in tx.workers(states=[WorkerState.ONLINE, WorkerState.DRAINING]):
            if now - worker.seen_at > self.options.lease_term:
                away = replace(worker, state=WorkerState.OFFLINE, reason="no sign of life")
                change_worker(tx, worker, away, now)
        going = {study.id for study in tx.studies(states=[StudyState.ACTIVE, StudyState.CONFIRMING])}
        held = {attempt.study_id for attempt in tx.live_attempts()}
        return tx.last_event() != cursor, going, sorted(going - held)
