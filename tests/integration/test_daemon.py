"""The daemon as a process, against a tuner that fails on demand."""

from __future__ import annotations

import os
import signal

import grpc
import pytest
from fake_tuner import FakeTuner, assignment
from tuner_protos.convert import result_from_proto
from tuner_protos.v1 import workers_pb2 as pb
from tuner_workers.measurement.repetition import MAX_RUNS, MIN_RUNS
from tuner_workers.processes import marked
from worker_process import ProbeDevice, WorkerProcess

from tuner.core.trial import CauseKind, TrialState


@pytest.fixture
def tuner():
    fake = FakeTuner()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def device(tmp_path):
    return ProbeDevice(tmp_path / "device")


@pytest.fixture
def start(tmp_path, device, tuner):
    """Starts workers; however the test ends, they have ended and left no process behind."""
    started = []

    def starter(*arguments, address=None):
        worker = WorkerProcess(address or tuner.address, tmp_path, device, *arguments)
        started.append(worker)
        return worker

    yield starter
    for worker in started:
        worker.kill()
        assert marked(worker.state.journal) == []


def result(tuner, token):
    return result_from_proto(tuner.finished[token])


def wait_until_acknowledged(tuner):
    """A worker asks for its next lease only when the answer to its result has reached it."""
    others = ("Lease", "Finish")
    tuner.wait_for(lambda: tuner.finished and [name for name, _ in tuner.calls if name in others][-1] == "Lease")


def leave(worker):
    worker.terminate()
    assert worker.wait() == 0, worker.log


def test_a_trial_is_measured_under_its_knob_and_the_device_left_as_it_was(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 7, "batch": 4}, runs=3, warmup=1))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)

    found = result(tuner, "t1")
    assert found.state is TrialState.COMPLETED
    observed = {o.metric: o for o in found.observations}
    assert observed["latency_ms"].mean == 70.0
    assert (observed["latency_ms"].n, observed["latency_ms"].unit) == (3, "ms")
    assert "undeclared" not in observed
    assert [run.index for run in found.runs] == [1, 2, 3]
    assert all(run.knobs == {"probe.level": 7} for run in found.runs)
    assert found.cost > 0
    # The build knew neither the knob's value nor its parameter; the runs had the value in force.
    assert [(step, level) for step, level, _ in device.steps] == [("build", 50), ("load", 7)] + [("run", 7)] * 4
    assert all(configuration == {"batch": 4} for _, _, configuration in device.steps)
    assert device.level == 50


def test_automatic_warm_up_and_runs(tuner, start):
    worker = start()
    tuner.assign(assignment("same", {"level": 7}, runs=None, warmup=None))
    tuner.assign(assignment("spread", {"level": 7}, runs=None, warmup=None, mode="spread"))
    tuner.wait_for(lambda: len(tuner.finished) == 2)
    leave(worker)
    same, spread = result(tuner, "same").runs, result(tuner, "spread").runs
    assert (len(same), len(spread)) == (MIN_RUNS, MAX_RUNS)
    assert same[0].index >= 1  # the runs before it were warm-up


def test_it_registers_with_what_the_device_is_and_offers(tuner, start):
    worker = start()
    tuner.wait_for(lambda: tuner.requests("Lease"))
    leave(worker)
    registration = tuner.requests("Register")[0]
    assert registration.name == "böard"
    assert registration.protocol == 1
    assert registration.broken == ""
    knob = next(offer for offer in registration.inventory.knobs if offer.name == "probe.level")
    assert (knob.available, knob.high, knob.current.int_value) == (True, 90.0, 50)
    assert next(offer for offer in registration.inventory.workloads if offer.name == "probe").available


def test_identity_is_kept_and_no_lease_number_used_by_two_lives(tuner, start):
    first = start()
    tuner.wait_for(lambda: tuner.requests("Lease"))
    leave(first)
    before = tuner.requests("Lease")
    second = start()
    tuner.wait_for(lambda: len(tuner.requests("Lease")) > len(before))
    leave(second)
    assert len({request.worker_id for request in tuner.requests("Register")}) == 1
    assert tuner.requests("Lease")[-1].sequence > before[-1].sequence


def test_a_result_measured_while_the_server_is_away_arrives_once(tuner, device, start):
    worker = start()
    tuner.faults["Finish"] += [grpc.StatusCode.UNAVAILABLE] * 2
    tuner.faults["Finish after"] += [grpc.StatusCode.DEADLINE_EXCEEDED]
    tuner.assign(assignment("t1", {"level": 3}))
    tuner.wait_for(lambda: tuner.copies["t1"] >= 2)
    wait_until_acknowledged(tuner)
    assert list(worker.state.spool.iterdir()) == []
    leave(worker)
    assert tuner.copies == {"t1": 2}  # stored, but the answer was lost; then repeated
    assert len(tuner.finished) == 1


def test_a_result_outlives_server_and_worker(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 3}, mode="gate"))
    tuner.wait_for(lambda: any(beat.running for beat in tuner.requests("Heartbeat")))
    tuner.stop()
    (device.path / "open").touch()
    worker.wait_for_log("the server is away")
    assert len(list(worker.state.spool.glob("*.result"))) == 1
    worker.kill()
    tuner.start()
    again = start()
    wait_until_acknowledged(tuner)
    leave(again)
    assert tuner.copies == {"t1": 1}
    assert list(again.state.spool.iterdir()) == []


def test_sigterm_while_a_knob_is_applied_restores_it_and_gives_the_lease_back(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 9}, mode="deaf"))
    tuner.wait_for(lambda: any(beat.intermediates for beat in tuner.requests("Heartbeat")))
    assert device.level == 9
    leave(worker)
    assert device.level == 50
    assert [release.token for release in tuner.requests("Release")] == ["t1"]
    assert tuner.finished == {}
    assert worker.state.journal.read_bytes() == b""


def test_ctrl_c_twice_is_no_more_than_once(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 9}, mode="deaf"))
    tuner.wait_for(lambda: any(beat.intermediates for beat in tuner.requests("Heartbeat")))
    worker.terminate(signal.SIGINT)
    worker.terminate(signal.SIGINT)
    assert worker.wait() == 0
    assert device.level == 50
    assert "Traceback" not in worker.log


def test_it_leaves_when_its_parent_closes_stdin(tuner, device, start):
    worker = start("--until-stdin-closes")
    tuner.assign(assignment("t1", {"level": 9}, mode="deaf"))
    tuner.wait_for(lambda: any(beat.intermediates for beat in tuner.requests("Heartbeat")))
    worker.process.stdin.close()
    assert worker.wait() == 0
    assert device.level == 50


def test_after_kill_9_the_next_start_restores_ends_and_gives_back(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 9}, mode="deaf"))
    tuner.wait_for(lambda: any(beat.intermediates for beat in tuner.requests("Heartbeat")))
    worker.kill()
    assert device.level == 9
    tuner.held["t1"] = "t1"
    again = start()
    tuner.wait_for(lambda: tuner.requests("Release"))
    assert device.level == 50
    assert tuner.requests("Release")[0].token == "t1"
    assert tuner.requests("Register")[-1].broken == ""
    leave(again)
    assert "restored probe.level" in again.log


def test_stop_reports_what_there_is(tuner, device, start):
    worker = start()
    tuner.directives["t1"] = pb.DIRECTIVE_STOP
    tuner.assign(assignment("t1", {"level": 2}, mode="wait", runs=3))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    found = result(tuner, "t1")
    assert found.state is TrialState.STOPPED
    assert found.cause.kind is CauseKind.STOPPED
    assert device.level == 50


def test_the_learning_curve_travels_with_heartbeats_and_result(tuner, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 2}, mode="wait"))
    tuner.wait_for(lambda: len([b for b in tuner.requests("Heartbeat") if b.intermediates]) >= 3)
    tuner.directives["t1"] = pb.DIRECTIVE_STOP
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    told = [point.step for beat in tuner.requests("Heartbeat") for point in beat.intermediates]
    assert told == list(range(len(told)))
    found = result(tuner, "t1")
    assert [point.step for point in found.intermediates][: len(told)] == told
    assert found.observations[0].metric == "latency_ms"
    assert "stopped" in found.runs[0].flags


def test_cancel_reports_nothing_and_goes_on(tuner, device, start):
    worker = start()
    tuner.directives["t1"] = pb.DIRECTIVE_CANCEL
    tuner.assign(assignment("t1", {"level": 2}, mode="deaf"))
    tuner.assign(assignment("t2", {"level": 3}))
    tuner.wait_for(lambda: "t2" in tuner.finished)
    leave(worker)
    assert list(tuner.finished) == ["t2"]
    assert tuner.requests("Release") == []


def test_drain_finishes_what_is_held_then_leaves(tuner, device, start):
    worker = start()
    tuner.directives["t1"] = pb.DIRECTIVE_DRAIN
    tuner.assign(assignment("t1", {"level": 2}))
    tuner.assign(assignment("t2", {"level": 3}))
    tuner.directives[""] = pb.DIRECTIVE_DRAIN
    assert worker.wait() == 0
    assert list(tuner.finished) == ["t1"]
    assert result(tuner, "t1").state is TrialState.COMPLETED


def test_a_lost_lease_is_measured_to_its_end(tuner, start):
    worker = start()
    tuner.wait_for(lambda: tuner.requests("Lease"))
    tuner.assign(assignment("t1", {"level": 2}, mode="spread", runs=8))
    tuner.faults["Heartbeat"] += [grpc.StatusCode.ABORTED]
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    assert result(tuner, "t1").state is TrialState.COMPLETED


def test_a_repeated_lease_request_carries_its_number(tuner, start):
    tuner.faults["Lease after"] += [grpc.StatusCode.UNAVAILABLE]
    tuner.assign(assignment("t1", {"level": 2}))
    worker = start()
    wait_until_acknowledged(tuner)
    leave(worker)
    first, second = tuner.requests("Lease")[:2]
    assert first.sequence == second.sequence
    assert tuner.copies == {"t1": 1}


def test_quarantine_when_a_restore_cannot_be_verified(tuner, device, start):
    worker = start()
    tuner.assign(assignment("t1", {"level": 2}, mode="wait"))
    tuner.assign(assignment("t2", {"level": 3}))
    tuner.wait_for(lambda: any(beat.intermediates for beat in tuner.requests("Heartbeat")))
    device.stick(True)
    tuner.directives["t1"] = pb.DIRECTIVE_STOP
    worker.wait_for_log("in quarantine")
    tuner.wait_for(lambda: any(beat.broken for beat in tuner.requests("Heartbeat")))
    assert list(tuner.finished) == ["t1"]  # what was measured is true, and is handed in
    leave(worker)

    # Still stuck: the next life is in quarantine from its start.
    again = start()
    again.wait_for_log("in quarantine")
    assert "probe.level" in tuner.requests("Register")[-1].broken
    leave(again)

    device.stick(False)
    mended = start()
    tuner.wait_for(lambda: "t2" in tuner.finished)
    leave(mended)
    assert device.level == 50


def test_a_final_check_applies_the_knobs_anew_for_each_arm(tuner, device, start):
    worker = start()
    plan = ("default", "recommended", "recommended", "default")
    tuner.assign(assignment("t1", {"level": 2}, plan=plan, baseline={"level": 60}, runs=2))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    found = result(tuner, "t1")
    assert found.state is TrialState.COMPLETED
    assert [(run.arm, run.block) for run in found.runs] == [
        *[("default", 0)] * 2,
        *[("recommended", 0)] * 2,
        *[("recommended", 1)] * 2,
        *[("default", 1)] * 2,
    ]
    assert [run.values["latency_ms"] for run in found.runs] == [600.0] * 2 + [20.0] * 4 + [600.0] * 2
    assert device.writes == [60, 50, 2, 50, 2, 50, 60, 50]
    observed = {o.metric: o for o in found.observations}
    assert (observed["latency_ms"].mean, observed["latency_ms"].n) == (20.0, 4)


WRONG = {
    "knob refuses": (
        assignment("knob refuses", {"level": 13}),
        (TrialState.INFEASIBLE, CauseKind.REFUSED),
        "13 brings bad luck",
    ),
    "policy forbids": (
        assignment("policy forbids", {"level": 95}),
        (TrialState.INFEASIBLE, CauseKind.REFUSED),
        "0..90",
    ),
    "workload refuses": (
        assignment("workload refuses", {"level": 2}, mode="refuse"),
        (TrialState.INFEASIBLE, CauseKind.REFUSED),
        "this can never run",
    ),
    "crash": (
        assignment("crash", {"level": 2}, mode="crash"),
        (TrialState.FAILED, CauseKind.CRASHED),
        "SIGSEGV",
    ),
    "wrong unit": (
        assignment("wrong unit", {"level": 2}, mode="unit"),
        (TrialState.FAILED, CauseKind.BAD_OUTPUT),
        "declared in 'ms'",
    ),
    "too slow": (
        assignment("too slow", {"level": 2}, mode="deaf", timeout=1.5),
        (TrialState.FAILED, CauseKind.TIMED_OUT),
        "took longer than",
    ),
    "unknown metric": (
        assignment("unknown metric", {"level": 2}, wanted=(("joy", "joy", "mean"),)),
        (TrialState.FAILED, CauseKind.BAD_OUTPUT),
        "joy was not reported; reported: ",
    ),
    "unknown setting": (
        assignment("unknown setting", {"level": 2}, settings={"colour": "red"}),
        (TrialState.FAILED, CauseKind.UNAVAILABLE),
        "colour is unknown",
    ),
    "nonsense": (
        assignment("nonsense", {"level": 2}, settings=[1, 2]),
        (TrialState.FAILED, CauseKind.UNAVAILABLE),
        "settings_json: is no JSON object",
    ),
}


def test_what_goes_wrong_is_the_result_and_the_worker_goes_on(tuner, device, start):
    worker = start()
    for message, _, _ in WRONG.values():
        tuner.assign(message)
    tuner.wait_for(lambda: len(tuner.finished) == len(WRONG))
    leave(worker)
    for token, (_, expected, words) in WRONG.items():
        found = result(tuner, token)
        assert (found.state, found.cause.kind) == expected, token
        assert words in found.cause.message
    assert device.level == 50


def test_a_refused_result_becomes_a_failure_that_says_why(tuner, start):
    worker = start()
    tuner.faults["Finish"] += [grpc.StatusCode.INVALID_ARGUMENT]
    tuner.assign(assignment("t1", {"level": 2}))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    found = result(tuner, "t1")
    assert found.state is TrialState.FAILED
    assert "made to fail: INVALID_ARGUMENT" in found.cause.message
    assert len(list(worker.state.spool.glob("*.bad"))) == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.FAILED_PRECONDITION])
def test_a_server_that_refuses_the_worker_ends_it_with_a_reason(tuner, start, code):
    tuner.faults["Register"] += [code]
    worker = start()
    assert worker.wait() == 1
    assert f"made to fail: {code.name}" in worker.log


def test_a_forgotten_worker_registers_again(tuner, start):
    worker = start()
    tuner.faults["Lease after"] += [grpc.StatusCode.NOT_FOUND]
    tuner.wait_for(lambda: len(tuner.requests("Register")) >= 2)
    tuner.assign(assignment("t1", {"level": 2}))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)


def test_the_token_is_shown_with_every_call_and_never_logged(tuner, start, tmp_path):
    secret = "s3cret-s3cret-s3cret"
    (tmp_path / "token").write_text(secret + "\n")
    worker = start("--token-file", str(tmp_path / "token"))
    tuner.assign(assignment("lease-token-1", {"level": 2}))
    tuner.wait_for(lambda: tuner.finished)
    leave(worker)
    assert {metadata.get("authorization") for metadata in tuner.metadata} == {f"Bearer {secret}"}
    assert secret not in worker.log
    assert "lease-token-1" not in worker.log.replace("probe/1/lease-token-1", "")


def test_one_worker_for_each_device(tuner, start):
    worker = start()
    tuner.wait_for(lambda: tuner.requests("Lease"))
    second = start()
    assert second.wait() == 1
    assert f"process {worker.process.pid}" in second.log
    leave(worker)


def test_spooled_results_are_no_ones_to_read_but_the_owners(tuner, start):
    worker = start()
    tuner.faults["Finish"] += [grpc.StatusCode.UNAVAILABLE] * 100
    tuner.assign(assignment("t1", {"level": 2}))
    worker.wait_for_log("the server is away")
    (spooled,) = worker.state.spool.glob("*.result")
    assert os.stat(spooled).st_mode & 0o077 == 0
    tuner.faults["Finish"].clear()
    wait_until_acknowledged(tuner)
    leave(worker)
    assert tuner.copies == {"t1": 1}
