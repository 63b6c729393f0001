"""Workers, people and servers that come, go, repeat themselves and die in any order: what must hold all the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from service_rig import STUDY, TERM, ManualClock, Refused, Rig, completed, failed
from tuner_protos.v1 import data_pb2, workers_pb2

from tuner.core.study import StudyState
from tuner.core.trial import COUNTED, AttemptState, Purpose, TrialState
from tuner.store.memory import MemoryStore
from tuner.store.open import open_store

BUDGET, TRIES = 4, 2
WORKERS = st.sampled_from(["w1", "w2", "w3"])
HELD = st.integers(0, 50)
RESULTS = st.sampled_from(["completed", "failed", "refused"])


@dataclass
class Lease:
    worker: str
    sequence: int
    assignment: workers_pb2.Assignment

    @property
    def token(self) -> str:
        return self.assignment.token

    def result(self, kind: str, value: float = 1.0):
        if kind == "completed":
            return completed(self.assignment, value)
        return failed(data_pb2.CAUSE_KIND_REFUSED if kind == "refused" else data_pb2.CAUSE_KIND_CRASHED)


class Service(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(self.open())
        self.sequences: dict[str, int] = {}
        self.leases: list[Lease] = []
        self.ended: dict[str, object] = {}
        self.results: dict[tuple, object] = {}

    def open(self):
        return MemoryStore()

    # --- what happens ---

    @initialize()
    def begin(self):
        self.rig.create()
        self.register("w1")

    @rule(worker=WORKERS)
    def register(self, worker):
        held = self.rig.register(worker).held
        with self.rig.reading() as tx:
            live = {m.token for a in tx.live_attempts(worker_id=worker) for m in a.members}
        assert set(held) == live
        self.sequences.setdefault(worker, 0)

    @rule(worker=WORKERS, again=st.booleans())
    def lease(self, worker, again):
        if worker not in self.sequences:
            with pytest.raises(Refused, match="worker"):
                self.rig.lease(worker, 1)
            return
        if not again:
            self.sequences[worker] += 1
        sequence = self.sequences[worker]
        before = [lease for lease in self.leases if (lease.worker, lease.sequence) == (worker, sequence)]
        held = [lease.token for lease in before if self.attempt(lease).state.live]
        assignment = self.rig.lease(worker, sequence).assignment
        if held:
            assert assignment.token == held[0]
        elif assignment.token:
            assert assignment.token not in {lease.token for lease in self.leases}
            self.leases.append(Lease(worker, sequence, assignment))
        if assignment.token:
            with self.rig.reading() as tx:
                assert [a.trial_id for a in tx.live_attempts(worker_id=worker)] == [assignment.trial_id]

    @rule()
    def everybody_leases(self):
        for worker in ("w1", "w2", "w3"):
            self.register(worker)
            self.lease(worker, again=False)

    @rule(worker=WORKERS, trials=st.integers(1, 8), values=st.lists(st.integers(1, 9), min_size=8, max_size=8))
    def work(self, worker, trials, values):
        """The ordinary thing, some times in a row: lease, begin, finish."""
        self.register(worker)
        for value in values[:trials]:
            count = len(self.leases)
            self.lease(worker, again=False)
            if len(self.leases) > count:
                self.heartbeat(0, running=True)
                self.finish(0, "completed", value, times=1)
            self.time_passes(0.5)

    @precondition(lambda self: self.sequences)
    @rule(worker=WORKERS)
    def an_old_lease_request_comes_out_of_a_dead_connection(self, worker):
        if self.sequences.get(worker, 0) < 2:
            return
        with self.rig.reading() as tx:
            before = tx.live_attempts(worker_id=worker)
        self.rig.lease(worker, self.sequences[worker])
        with self.rig.reading() as tx:
            held = tx.live_attempts(worker_id=worker)
        got = self.rig.lease(worker, self.sequences[worker] - 1)
        assert not got.assignment.token
        with self.rig.reading() as tx:
            assert tx.live_attempts(worker_id=worker) == held
        if held != before and held:
            trial, number = held[0].trial_id, held[0].number
            repeated = self.rig.lease(worker, self.sequences[worker]).assignment
            assert (repeated.trial_id, repeated.attempt) == (trial, number)
            if repeated.token not in {lease.token for lease in self.leases}:
                self.leases.append(Lease(worker, self.sequences[worker], repeated))

    @precondition(lambda self: self.leases)
    @rule(which=HELD, running=st.booleans())
    def heartbeat(self, which, running):
        lease = self.some(which)
        directive = self.rig.beat(lease.worker, lease.token, running)
        attempt, trial = self.attempt(lease), self.trial(lease)
        if attempt.state.live:
            assert attempt.expires_at == self.rig.clock.now() + TERM
            assert directive == workers_pb2.DIRECTIVE_CONTINUE
        else:
            ended = trial is None or trial.state.terminal
            assert directive == (workers_pb2.DIRECTIVE_CANCEL if ended else workers_pb2.DIRECTIVE_CONTINUE)

    @precondition(lambda self: self.leases)
    @rule(which=HELD, kind=RESULTS, value=st.integers(1, 9), times=st.integers(1, 2))
    def finish(self, which, kind, value, times):
        """By whoever held a lease once: live, lost, given back, finished before."""
        lease = self.some(which)
        key, before = self.key(lease), self.trial(lease)
        known = self.stored().get(key)
        for _ in range(times):
            answer = self.rig.finish(lease.worker, lease.token, lease.result(kind, float(value)))
        stored, after = self.stored()[key], self.trial(lease)
        if known is not None:
            assert stored == known
            assert (after, answer.accepted) == (before, not known.late)
        elif before.state.terminal:
            assert (stored.late, answer.accepted, after) == (True, False, before)
        else:
            assert (stored.late, answer.accepted) == (False, True)
            assert after.state is stored.result.state
            with self.rig.reading() as tx:
                assert not [a for a in tx.live_attempts() if a.trial_id == after.id]

    @precondition(lambda self: self.leases)
    @rule(which=HELD, other=WORKERS)
    def somebody_else_tries_the_token(self, which, other):
        lease = self.some(which)
        if other != lease.worker and other in self.sequences:
            for call in (
                lambda: self.rig.finish(other, lease.token, lease.result("completed")),
                lambda: self.rig.beat(other, lease.token),
                lambda: self.rig.release(other, lease.token),
            ):
                with pytest.raises(Refused):
                    call()

    @precondition(lambda self: self.leases)
    @rule(which=HELD)
    def a_wrong_result(self, which):
        lease = self.some(which)
        before, trial = self.stored(), self.trial(lease)
        wrong = completed(lease.assignment)
        wrong.observations[0].metric = "misspelt"
        if self.key(lease) in before:
            assert not self.rig.finish(lease.worker, lease.token, wrong).next.token
        else:
            with pytest.raises(Refused, match="misspelt"):
                self.rig.finish(lease.worker, lease.token, wrong)
        assert (self.stored(), self.trial(lease)) == (before, trial)

    @precondition(lambda self: self.leases)
    @rule(which=HELD, lost=st.booleans())
    def release(self, which, lost):
        lease = self.some(which)
        live, before = self.attempt(lease).state.live, self.trial(lease)
        self.rig.release(lease.worker, lease.token, lost)
        if not live:
            assert self.trial(lease) == before

    @rule(seconds=st.sampled_from([0.5, TERM / 2, TERM + 1]))
    def time_passes(self, seconds):
        self.rig.clock.advance(seconds)
        self.rig.tick()
        with self.rig.reading() as tx:
            assert tx.expired_attempts(self.rig.clock.now()) == []

    @rule(away=st.sampled_from([0.0, TERM, 10 * TERM]))
    def the_server_is_started_again(self, away):
        with self.rig.reading() as tx:
            live = {(a.trial_id, a.number) for a in tx.live_attempts()}
        self.rig.clock.advance(away)
        self.rig.restart()
        with self.rig.reading() as tx:
            after = tx.live_attempts()
        assert {(a.trial_id, a.number) for a in after} == live
        assert all(a.expires_at >= self.rig.clock.now() + TERM for a in after)
        self.rig.tick()
        with self.rig.reading() as tx:
            assert {(a.trial_id, a.number) for a in tx.live_attempts()} >= live

    @rule(name=st.sampled_from(["Resume"] * 6 + ["Pause"] * 3 + ["Cancel"]))
    def somebody_steers(self, name):
        study = self.study()
        allowed = {
            "Pause": not study.state.terminal,
            "Resume": study.state is StudyState.PAUSED,
            "Cancel": not study.state.terminal or study.state is StudyState.CANCELLED,
        }[name]
        if not allowed:
            with pytest.raises(Refused):
                self.rig.move(name, study.id)
            return
        self.rig.move(name, study.id)
        if name == "Pause" and "w1" in self.sequences:
            assert not self.rig.lease("w1", self.next("w1")).assignment.token

    @rule()
    def somebody_submits_again(self):
        before = self.study()
        answer = self.rig.create()
        assert answer.created is before.state.terminal
        assert answer.study.run == before.run + before.state.terminal

    def next(self, worker):
        self.sequences[worker] += 1
        return self.sequences[worker]

    # --- what must hold ---

    @invariant()
    def nothing_is_lost_or_counted_twice(self):
        with self.rig.reading() as tx:
            for study in tx.study_runs("größe"):
                trials, results = tx.trials(study.id), tx.results(study.id)
                live = {(a.trial, a.number) for a in tx.live_attempts(study_id=study.id)}
                assert {t.number: t.attempts for t in trials if t.state.held} == dict(live)
                for trial in trials:
                    self.check_trial(tx, trial, [r for r in results if r.trial == trial.number])
                explored = [t for t in trials if t.purpose is Purpose.EXPLORE]
                assert sum(t.state in COUNTED or not t.state.terminal for t in explored) <= BUDGET
                assert sum(t.purpose is Purpose.DEFAULT for t in trials) <= 1
                assert not study.state.terminal or all(t.state.terminal for t in trials)
            stored = {(r.study_id, r.trial, r.attempt): r for s in tx.study_runs("größe") for r in tx.results(s.id)}
        assert {key: stored[key] for key in self.results} == self.results
        self.results = stored

    def check_trial(self, tx, trial, results):
        attempts = [tx.attempt(trial.study_id, trial.number, n) for n in range(1, trial.attempts + 1)]
        assert sum(attempt.state is AttemptState.LOST for attempt in attempts) <= TRIES
        own = [stored for stored in results if not stored.late]
        assert len(own) <= 1
        assert len({stored.attempt for stored in results}) == len(results)
        if own:
            assert trial.state is own[0].result.state
            assert trial.cause == own[0].result.cause
        else:
            assert trial.state not in (TrialState.COMPLETED, TrialState.INFEASIBLE)
        if trial.state.terminal:
            assert self.ended.setdefault(trial.id, trial) == trial
        else:
            assert trial.id not in self.ended

    def teardown(self):
        """However it went, with one worker that works the study comes to its end."""
        if self.study().state is StudyState.PAUSED:
            self.rig.move("Resume", "größe")
        self.rig.clock.advance(2 * TERM)
        self.rig.tick()
        self.rig.register("closer")
        self.rig.measure_all("closer")
        assert self.study().state.terminal
        self.nothing_is_lost_or_counted_twice()
        self.rig.close()

    # --- reading ---

    def some(self, which) -> Lease:
        return self.leases[-1 - which % len(self.leases)]

    def study(self):
        with self.rig.reading() as tx:
            return tx.study_runs("größe")[-1]

    def key(self, lease):
        study, _, number = lease.assignment.trial_id.rpartition("/")
        return study, int(number), lease.assignment.attempt

    def attempt(self, lease):
        with self.rig.reading() as tx:
            return tx.attempt(*self.key(lease))

    def trial(self, lease):
        with self.rig.reading() as tx:
            return tx.trial(*self.key(lease)[:2])

    def stored(self):
        with self.rig.reading() as tx:
            return {(r.study_id, r.trial, r.attempt): r for s in tx.study_runs("größe") for r in tx.results(s.id)}


class ServiceOnSqlite(Service):
    def open(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tuner-test-")
        self.sqlite = open_store(str(Path(self.folder.name) / "store.db"), ManualClock())
        return self.sqlite

    def teardown(self):
        super().teardown()
        self.sqlite.close()
        self.folder.cleanup()


def test_in_memory():
    run_state_machine_as_test(Service, settings=settings(max_examples=40, stateful_step_count=40, deadline=None))


def test_in_sqlite():
    run_state_machine_as_test(ServiceOnSqlite, settings=settings(max_examples=4, stateful_step_count=30, deadline=None))


def test_the_study_is_the_one_that_the_machine_counts_with():
    assert f"trials: {BUDGET}, max_attempts: {TRIES}" in STUDY
