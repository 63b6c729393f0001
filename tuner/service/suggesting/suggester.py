"""Keeps the pools filled: asks the study's engine ahead of need, and Sobol when the engine is late or fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tuner.core.clock import Clock
from tuner.core.environment import StudyEnvironment
from tuner.core.errors import NotFound, SpaceExhausted, Unavailable
from tuner.core.study import Study, StudyState
from tuner.core.worker import WorkerState
from tuner.engine.base import Suggestion
from tuner.service.operations.leasing import Proposal
from tuner.service.suggesting.host import EngineHost
from tuner.service.suggesting.pool import Pool, Prepared
from tuner.service.suggesting.request import Question, build_request
from tuner.service.transactions import Transactions
from tuner.store.base import Transaction

LARGEST_BATCH = 8
"""Suggestions made in one go, whatever the number of workers: more would be stale before they are used."""

FALLBACK = "sobol"

LOOK_AGAIN = 0.5
"""Seconds between looks at whether a late engine's pool has run empty once more."""

_log = logging.getLogger(__name__)


@dataclass
class _Line:
    """An environment of a study, its pool, and the work on it."""

    study_id: str
    settled: StudyEnvironment
    pool: Pool = field(default_factory=Pool)
    task: asyncio.Task[None] | None = None
    again: bool = False


class Suggester:
    """Suggestions for every study. Its methods but ``take`` and ``prepare`` belong to the event loop."""

    def __init__(
        self, transactions: Transactions, host: EngineHost, clock: Clock, patience: float, notify: Callable[[], None]
    ) -> None:
        self._transactions = transactions
        self._host = host
        self._clock = clock
        self._patience = patience
        self._notify = notify
        self._lines: dict[tuple[str, str], _Line] = {}
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def take(self, study: Study, settled: StudyEnvironment, typical_cost: float) -> Proposal | None:
        """A suggestion for a worker that asks now, if there is one. Called in the store's thread."""
        key = (study.id, settled.environment.id)
        line = self._lines.setdefault(key, _Line(study.id, settled))
        if line.pool.exhausted:
            return None
        prepared = line.pool.take(self._clock.now(), typical_cost)
        if prepared is None or not len(line.pool):
            self._loop.call_soon_threadsafe(self._ask, line)
        return prepared.proposal() if prepared else None

    def prepare(self, study: Study, settled: StudyEnvironment) -> None:
        """Think ahead: a worker measures something that was queued, and will want a suggestion next. Called in the
        store's thread."""
        line = self._lines.setdefault((study.id, settled.environment.id), _Line(study.id, settled))
        if not len(line.pool):
            self._loop.call_soon_threadsafe(self._ask, line)

    def result_arrived(self, study_id: str, sequence: int) -> None:
        """A result was stored: what is at hand is no longer the best that can be said."""
        for line in self._of(study_id):
            line.pool.newest = max(line.pool.newest, sequence)
            self._ask(line)

    def exhausted(self, study_id: str) -> bool:
        """Whether every environment of the study has nothing more to propose."""
        lines = self._of(study_id)
        return bool(lines) and all(line.pool.exhausted for line in lines)

    @property
    def studies(self) -> set[str]:
        """The studies that something is prepared for."""
        return {study_id for study_id, _ in list(self._lines)}

    def forget(self, study_id: str) -> None:
        """The study has ended, rests, or is gone: drop what was prepared for it."""
        for line in self._of(study_id):
            self._lines.pop((study_id, line.settled.environment.id), None)
            if line.task is not None:
                line.task.cancel()

    def _of(self, study_id: str) -> list[_Line]:
        # A copy, made in one step: the store's thread adds lines while the event loop reads them.
        return [line for line in list(self._lines.values()) if line.study_id == study_id]

    async def close(self) -> None:
        """Stop asking."""
        self._closed = True
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, line: _Line) -> None:
        if self._closed or line.pool.exhausted:
            return
        if line.task is not None and not line.task.done():
            line.again = True
            return
        line.task = self._loop.create_task(self._keep_filling(line))

    async def _keep_filling(self, line: _Line) -> None:
        try:
            line.again = True
            while line.again:
                line.again = False
                await self._fill(line)
        except NotFound:
            self._lines.pop((line.study_id, line.settled.environment.id), None)
        except Exception:  # Nobody waits for this task; whoever wants a suggestion asks again.
            _log.exception("no suggestions for %s", line.study_id)

    async def _fill(self, line: _Line) -> None:
        asked = await self._question(line, anew=True)
        if asked is None:
            return
        engine, question = asked
        began = self._clock.now()
        thinking = asyncio.create_task(self._host.suggest(engine, question.request))
        try:
            wait = self._patience
            while not (await asyncio.wait({thinking}, timeout=wait))[0]:
                wait = LOOK_AGAIN
                if not len(line.pool):
                    await self._fall_back(line, f"{engine} took more than {self._patience:g} s")
            suggestions = await thinking
        except SpaceExhausted:
            self._exhaust(line)
            return
        except Unavailable as error:
            await self._fall_back(line, str(error))
            return
        finally:
            thinking.cancel()
        line.pool.engine_seconds = self._clock.now() - began
        self._offer(line, question, suggestions, engine, "")

    async def _question(self, line: _Line, *, anew: bool) -> tuple[str, Question] | None:
        """The engine's name and what to ask it now; None while the study does not explore.

        ``anew``: no earlier question is being thought about.
        """

        def ask(tx: Transaction) -> tuple[str, Question] | None:
            study = tx.study(line.study_id)
            if study.state is not StudyState.ACTIVE:
                return None
            workers = len(tx.workers(states=[WorkerState.ONLINE]))
            count = min(max(1, workers), LARGEST_BATCH)
            return study.spec.engine.name, build_request(tx, study, line.settled, count, self._patience)

        if anew:
            # In the writers' turn, so that no lease is half made; what follows then sees all that was taken before.
            await self._transactions.run(lambda _: line.pool.settled())
        # Beside the writers: to gather a long history takes a while, in which no lease and no heartbeat should wait.
        return await self._transactions.read(ask)

    async def _fall_back(self, line: _Line, why: str) -> None:
        from tuner.engine.registry import get_engine

        _log.warning("%s: %s; a Sobol point is measured instead", line.study_id, why)
        # Asked anew: while the engine thought, trials were begun. The options are that engine's own.
        asked = await self._question(line, anew=False)
        if asked is None:
            return
        question = replace(asked[1], request=replace(asked[1].request, options={}))
        try:
            suggestions = await asyncio.to_thread(get_engine(FALLBACK).suggest, question.request)
        except SpaceExhausted:
            self._exhaust(line)
            return
        self._offer(line, question, suggestions, FALLBACK, f"fallback: {why}")

    def _exhaust(self, line: _Line) -> None:
        line.pool.exhausted = True
        self._notify()

    def _offer(self, line: _Line, question: Question, suggestions: list[Suggestion], engine: str, note: str) -> None:
        request = question.request
        prepared = [
            Prepared(
                suggestion, engine, request.sequence, request.seed, request.count, position, question.open_trials, note
            )
            for position, suggestion in enumerate(suggestions)
        ]
        if not line.pool.fill(prepared):
            # All of it was taken while the engine was thinking; it has to think again, knowing that.
            line.again = True
        self._notify()
