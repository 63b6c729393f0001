"""The running server's parts, and the life they share: one store, one clock, one engine host."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from tuner.core.clock import Clock
from tuner.core.environment import StudyEnvironment
from tuner.core.study import Study, StudyState
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

_SECRET = "server-secret"

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
        self._costs: dict[str, float] = {}
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
        return self.suggester.take(study, settled, self._costs.get(study.id, 0.0))

    def prepare(self, study: Study, settled: StudyEnvironment) -> None:
        """A suggestion will be wanted soon. Called inside a transaction."""
        self.suggester.prepare(study, settled)

    def cost_of(self, tx: Transaction, study: Study) -> float:
        """Median seconds of a trial, read once from the store and then again after each result."""
        cost = self._costs.get(study.id)
        if cost is None:
            cost = self._costs[study.id] = typical_cost(tx, study)
        return cost

    # --- carrying studies on ---

    def after_result(self, tx: Transaction, study_id: str) -> Callable[[], None]:
        """Carry a study on after one of its trials has ended. Called inside the transaction that ended it; what is
        returned is to be called in the event loop once that is committed."""
        self._costs.pop(study_id, None)
        study = self._advance(tx, tx.study(study_id))
        sequence = tx.last_event(study_id)

        def tell() -> None:
            if study.state is StudyState.ACTIVE:
                self.suggester.result_arrived(study_id, sequence)
            elif study.state.terminal:
                self.suggester.forget(study_id)
            self.notify()

        return tell

    def _advance(self, tx: Transaction, study: Study) -> Study:
        return advance(
            tx,
            study,
            self.clock.now(),
            typical_cost=self.cost_of(tx, study),
            exhausted=self.suggester.exhausted(study.id),
        )

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self.tick()
            except asyncio.CancelledError:
                raise
            except Exception:  # The ticker must outlive a full disk or a lost connection.
                _log.exception("housekeeping failed; it is tried again")
            await asyncio.sleep(_TICK)

    async def tick(self) -> None:
        """Do what is due by now: leases run out, silent workers are away, studies are carried on."""
        changed, ended = await self.transactions.run(self._tick)
        for study_id in ended:
            self.suggester.forget(study_id)
        if changed:
            self.notify()

    def _tick(self, tx: Transaction) -> tuple[bool, list[str]]:
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
        studies = tx.studies(states=[StudyState.ACTIVE, StudyState.CONFIRMING])
        ended = [study.id for study in studies if self._advance(tx, study).state.terminal]
        return tx.last_event() != cursor, ended
