"""What comes from elsewhere: imports, users' own configurations, programs that ask and tell."""

from __future__ import annotations

import pytest
from google.rpc import code_pb2
from service_rig import EXTERNAL, KNOBBED, Refused, Rig, inventory, purposes, shown
from tuner_protos.convert import environment_to_proto, value_to_proto, values_to_proto
from tuner_protos.v1 import data_pb2, studies_pb2, trials_pb2

from tuner.core.environment import Environment, Fingerprint
from tuner.core.study import StudyState
from tuner.core.trial import AttemptState, Purpose, TrialState
from tuner.core.worker import Offer
from tuner.store.memory import MemoryStore


@pytest.fixture
def rig():
    made = Rig(MemoryStore())
    yield made
    made.close()


# --- imports ---


def imported(value, threads=2, **result):
    observation = data_pb2.Observation(metric="ms", mean=value, n=1, unit="ms")
    fields = {"state": data_pb2.TRIAL_STATE_COMPLETED, "observations": [observation], **result}
    configuration = values_to_proto({"threads": threads, "batch": 1})
    return studies_pb2.ImportedTrial(configuration=configuration, result=data_pb2.Result(**fields))


def bring_in(rig, *trials, board="Testboard", request_id="", study="größe"):
    environment = environment_to_proto(Environment(Fingerprint({"board": board})))
    request = studies_pb2.ImportRequest(study=study, environment=environment, trials=trials, request_id=request_id)
    return rig.call(rig.studies.Import, request)


def test_imports_before_the_first_worker_do_not_keep_the_study_from_its_end(rig):
    rig.create()
    assert bring_in(rig, imported(1.0), imported(2.0, threads=3)).imported == 2
    rig.register()
    assert rig.lease().assignment.purpose == data_pb2.PURPOSE_DEFAULT
    rig.measure_all(sequence=1)
    assert rig.state() is StudyState.COMPLETED
    assert purposes(rig).count((Purpose.EXPLORE, TrialState.COMPLETED)) == 4


def test_imports_of_a_device_that_nobody_has_queue_nothing_there(rig):
    rig.create()
    rig.register()
    rig.lease()
    bring_in(rig, imported(0.1), board="Elsewhere")
    rig.measure_all()
    assert rig.state() is StudyState.COMPLETED
    elsewhere = Fingerprint({"board": "Elsewhere"}).digest
    assert [t.purpose for t in rig.all_trials() if t.environment == elsewhere] == [Purpose.IMPORTED]
    optimal = rig.call(rig.trials.ListOptimal, trials_pb2.ListOptimalRequest(study="größe")).optimal
    assert {o.environment for o in optimal} == {elsewhere, inventory().fingerprint.digest}


def test_an_import_is_whole_or_nothing_and_repeated_without_harm(rig):
    rig.create()
    with pytest.raises(Refused) as caught:
        bring_in(rig, imported(1.0), imported(2.0, threads=99), imported(3.0, state=data_pb2.TRIAL_STATE_RUNNING))
    assert "trials[1].threads" in str(caught.value)
    assert "trials[2].state" in str(caught.value)
    assert rig.all_trials() == []
    bring_in(rig, imported(1.0), request_id="i1")
    bring_in(rig, imported(1.0), request_id="i1")
    assert len(rig.all_trials()) == 1


def test_nothing_is_imported_into_a_study_that_has_ended(rig):
    rig.create()
    rig.move("Cancel", "größe")
    with pytest.raises(Refused, match="no more measurements"):
        bring_in(rig, imported(1.0))


def test_imports_wait_for_the_worker_that_settles_which_optional_knobs_there_are(rig):
    rig.create(KNOBBED)
    with pytest.raises(Refused, match="optional knobs"):
        bring_in(rig, imported(1.0))
    rig.register()
    rig.lease()
    bring_in(rig, imported(1.0))


def add(rig, request_id="", study="größe", **values):
    request = trials_pb2.AddRequest(
        study=study, configuration={k: value_to_proto(v) for k, v in values.items()}, request_id=request_id
    )
    return rig.call(rig.trials.Add, request)


def test_a_users_configuration_is_measured_next_once_however_often_it_is_sent(rig):
    rig.create()
    with pytest.raises(Refused, match="first worker"):
        add(rig, threads=3, batch=4)
    rig.register()
    rig.lease()
    first = add(rig, "a1", threads=3, batch=4)
    assert add(rig, "a1", threads=3, batch=4) == first
    assert (first.engine, first.purpose) == ("user", data_pb2.PURPOSE_EXPLORE)
    assert rig.lease(sequence=2).assignment.trial_id != first.id  # the default was forgotten, and is first again
    rig.register("w2")
    assert rig.lease("w2").assignment.trial_id == first.id


def test_what_a_user_adds_is_of_the_space_and_of_the_budshown(rig):
    rig.create()
    rig.register()
    rig.lease()
    with pytest.raises(Refused, match="threads") as caught:
        add(rig, threads=9, batch=4)
    assert caught.value.code == code_pb2.INVALID_ARGUMENT
    for threads in range(1, 5):
        add(rig, threads=threads, batch=4)
    with pytest.raises(Refused, match="budget") as caught:
        add(rig, threads=1, batch=2)
    assert caught.value.code == code_pb2.FAILED_PRECONDITION
    rig.measure_all("w1", 2)
    assert shown(rig).progress.counted == 4


# --- measured by a program ---


def test_a_program_asks_and_tells_until_the_budget_ends(rig):
    rig.create(EXTERNAL)
    values = []
    for request in range(100):
        suggestions = rig.suggest(2, request_id=str(request))
        if not suggestions:
            break
        for suggested in suggestions:
            values.append(suggested.trial.purpose)
            rig.complete(suggested.token, 10.0 - len(values))
    study = shown(rig, "told")
    assert study.state == data_pb2.STUDY_STATE_COMPLETED
    assert study.progress.counted == 4
    assert values[0] == data_pb2.PURPOSE_DEFAULT
    assert values.count(data_pb2.PURPOSE_EXPLORE) == 4
    assert not study.checks


def test_a_repeated_question_gets_the_same_answer_and_holds_nothing_more(rig):
    rig.create(EXTERNAL)
    first = rig.suggest(2)
    assert rig.suggest(2) == first
    with rig.reading() as tx:
        assert len(tx.live_attempts()) == len(first)
    assert [s.token for s in rig.suggest(1, request_id="2")] != [first[0].token]


def test_requests_of_two_studies_may_share_an_id(rig):
    rig.create(EXTERNAL)
    rig.create(EXTERNAL.replace("told", "other"))
    [one] = rig.suggest(request_id="1")
    [other] = rig.suggest(request_id="1", study="other")
    assert (one.trial.study_id, other.trial.study_id) == ("told/1", "other/1")


def test_telling_twice_changes_nothing(rig):
    rig.create(EXTERNAL)
    [asked] = rig.suggest()
    first = rig.complete(asked.token, 5.0)
    assert rig.complete(asked.token, 1.0) == first
    cause = data_pb2.Cause(kind=data_pb2.CAUSE_KIND_CRASHED, message="no")
    assert rig.call(rig.trials.Fail, trials_pb2.FailRequest(token=asked.token, cause=cause)) == first
    assert first.observations[0].mean == 5.0


def test_what_a_program_could_not_measure_is_told_with_its_cause(rig):
    rig.create(EXTERNAL)
    [asked] = rig.suggest()
    cause = data_pb2.Cause(kind=data_pb2.CAUSE_KIND_REFUSED, message="too many threads")
    trial = rig.call(rig.trials.Fail, trials_pb2.FailRequest(token=asked.token, cause=cause))
    assert trial.state == data_pb2.TRIAL_STATE_INFEASIBLE
    assert trial.cause.message == "too many threads"
    [asked] = rig.suggest(request_id="2")
    cause.kind = data_pb2.CAUSE_KIND_CRASHED
    assert rig.call(rig.trials.Fail, trials_pb2.FailRequest(token=asked.token, cause=cause)).state == (
        data_pb2.TRIAL_STATE_FAILED
    )


def test_a_learning_curve_renews_the_lease(rig):
    rig.create(EXTERNAL)
    [asked] = rig.suggest()
    rig.clock.advance(50.0)
    point = data_pb2.Intermediate(step=1, elapsed=50.0, metric="loss", value=0.5)
    report = trials_pb2.ReportRequest(token=asked.token, values=[point])
    assert rig.call(rig.trials.Report, report).keep
    rig.clock.advance(50.0)
    rig.tick()
    shown = rig.call(rig.trials.Get, trials_pb2.GetTrialRequest(trial=asked.trial.id))
    assert shown.state == data_pb2.TRIAL_STATE_RUNNING
    assert list(shown.intermediates) == [point]
    rig.clock.advance(20.0)
    rig.tick()
    with pytest.raises(Refused) as caught:
        rig.call(rig.trials.Report, report)
    assert caught.value.code == code_pb2.ABORTED
    [again] = rig.suggest(client="another")
    assert again.trial.id == asked.trial.id
    assert rig.complete(asked.token, 3.0).state == data_pb2.TRIAL_STATE_COMPLETED
    assert rig.complete(again.token, 9.0).observations[0].mean == 3.0


def test_what_programs_and_workers_measure_is_kept_apart(rig):
    rig.create()
    with pytest.raises(Refused, match="measured by workers"):
        rig.suggest(study="größe")
    rig.create(EXTERNAL)
    rig.register(workloads=(Offer("external", True),))
    answer = rig.lease()
    assert not answer.HasField("assignment")
    assert any("asks and tells" in reason for reason in answer.reasons)


def test_after_a_restart_a_program_has_its_full_term_again(rig):
    rig.create(EXTERNAL)
    [asked] = rig.suggest()
    rig.clock.advance(59.0)
    rig.restart()
    rig.clock.advance(59.0)
    rig.tick()
    assert rig.complete(asked.token, 3.0).attempts == 1
    with rig.reading() as tx:
        assert tx.attempt("told/1", 1, 1).state is AttemptState.FINISHED
