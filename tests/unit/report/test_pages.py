"""What people see of a study."""

from __future__ import annotations

import dataclasses

import pytest
from rich.cells import cell_len
from tuner_protos.v1 import data_pb2 as pb
from tuner_protos.v1 import trials_pb2

from tuner.report.answer import answer, check_table, front_table, verdict
from tuner.report.live import live
from tuner.report.page import next_steps, page
from tuner.report.snapshot import Snapshot
from tuner.report.tables import studies_table, trials_table, workers_table


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_everything_fits_the_terminal(snapshot, render, width):
    study = snapshot.study
    for renderable in (
        page(snapshot),
        live(snapshot),
        studies_table([study]),
        trials_table(study.objectives, snapshot.trials.values()),
        workers_table(snapshot.workers, 2042.0),
    ):
        assert all(cell_len(line) <= width for line in render(renderable, width).splitlines())


def test_the_page_says_what_why_and_how(snapshot, render):
    text = render(page(snapshot), 160)
    for told in (
        "größe/1",
        "confirming",
        "minimize latency_ms p95, minimize energy_j",
        "accuracy >= 0.95",
        "[bold]Jetson, 6 cores",
        "4 of 30: 2 completed, 1 infeasible, 1 failed, 1 being measured",
        "1 min 20 s of 10 min 00 s",
        "! fallback: gp was late [red]",
        "★ 2",
        "30.00 ms → 7.000 ms",
        "4.3x faster (4.0x to 4.5x)",
        "25% lower (-30% to -20%, modelled)",
        "The recommended configuration is better than the default.",
        "wall clock",
    ):
        assert told in text


def test_the_front_shows_only_what_differs_from_the_default(snapshot, render):
    text = render(front_table(snapshot.study.objectives, snapshot.optimal[0]), 160)
    default, fast = (next(line for line in text.splitlines() if mark in line) for mark in ("default ", "★ 2"))
    assert "a_parameter_with_a_very_long_name=true" in default
    assert "quantization=int8 threads=4" in fast
    assert "größe" not in fast


def test_the_live_view_says_what_each_worker_does_and_why_trials_failed(snapshot, render):
    text = render(live(snapshot), 200)
    for told in (
        "4 of 30 trials",
        "about 2 min 10 s left",
        "jetson  checks default against recommended",
        "pi is quarantined (vm.swappiness is 10, was 60)",
        "1 failed, 1 infeasible",
        "trial 4 explore: out of memory: killed at 512 MiB",
        "trial 5 explore: refused",
    ):
        assert told in text
    assert "second line" not in text
    assert "gone" not in text
    latency = next(line for line in text.splitlines() if "latency_ms p95" in line)
    assert latency.split()[2:10] == ["30.00", "ms", "7.000", "ms", "7.000", "ms", "4.3x", "faster"]


def test_time_goes_on_between_updates_only_while_a_study_is_active(snapshot):
    later = snapshot.later(200)
    assert later.study.progress.elapsed == 280
    assert later.study.progress.left == 0
    assert snapshot.study.progress.elapsed == 80
    snapshot.study.state = pb.STUDY_STATE_PAUSED
    assert snapshot.later(200).study.progress.elapsed == 80


def unchecked(snapshot, **changes):
    del snapshot.study.checks[:]
    optimal = trials_pb2.Optimal()
    optimal.CopyFrom(snapshot.optimal[0])
    for name, change in changes.items():
        if change is None:
            optimal.ClearField(name)
        else:
            getattr(optimal, name).CopyFrom(change)
    return optimal


def test_nothing_is_claimed_without_a_check(snapshot, render):
    text = render(answer(snapshot, unchecked(snapshot)))
    assert "Not checked so far" in text
    snapshot.study.ended_at = 2000.0
    assert "Not checked:" in render(answer(snapshot, unchecked(snapshot)))


def test_nothing_is_claimed_without_a_default(snapshot, render):
    assert "no improvement is claimed" in render(answer(snapshot, unchecked(snapshot, default=None)))


def test_a_default_that_is_best_is_no_improvement(snapshot, render):
    default = snapshot.optimal[0].default
    text = render(answer(snapshot, unchecked(snapshot, recommended=default)))
    assert "No improvement found so far: nothing is better in every objective." in text
    assert "Recommended" not in text


def test_no_feasible_configuration_is_said(snapshot, render):
    assert "No configuration keeps the constraints so far." in render(
        answer(snapshot, unchecked(snapshot, recommended=None))
    )


@pytest.mark.parametrize(
    ("verdicts", "style"),
    [
        (("better", "better"), "bold green"),
        (("better", "no difference shown"), "bold green"),
        (("better", "worse"), "bold yellow"),
        (("no difference shown", "no difference shown"), "bold yellow"),
        (("worse", "no difference shown"), "bold yellow"),
    ],
)
def test_the_conclusion_of_a_check_is_green_only_for_an_improvement(snapshot, verdicts, style):
    (check,) = snapshot.study.checks
    for metric, each in zip(check.metrics, verdicts, strict=True):
        metric.verdict = each
    told = verdict(snapshot.study, snapshot.optimal[0], check)
    assert (told.plain, told.style) == (check.conclusion, style)


def test_zero_and_negative_objectives_have_differences_and_no_ratios(snapshot, render, make_objective):
    del snapshot.study.objectives[:]
    snapshot.study.objectives.append(make_objective("reward", maximize=True))
    check = pb.Check(
        metrics=[pb.CheckedMetric(metric="reward", default_mean=-2.0, recommended_mean=0.0, n=5, verdict="better")]
    )
    text = render(check_table(snapshot.study.objectives, check))
    assert "-2.000 → 0" in text
    assert "2.000 higher" in text
    assert "nan" not in text
    assert "x " not in text.replace("5 blocks", "")


def test_one_objective_shows_its_course(snapshot, render, make_objective):
    del snapshot.study.objectives[1:]
    assert "best latency_ms p95 so far  █▁▁" in render(answer(snapshot, snapshot.optimal[0]))


def test_the_best_so_far_leaves_out_what_breaks_a_constraint(snapshot, make_objective):
    snapshot.trials[2].feasible = False
    assert snapshot.best_so_far(make_objective("latency_ms"), "e") == [30.0, 20.0]
    assert snapshot.best_so_far(make_objective("latency_ms", maximize=True), "e") == [30.0, 30.0]
    assert snapshot.best_so_far(make_objective("latency_ms"), "elsewhere") == []


def test_a_study_without_anything_can_be_shown(render):
    nothing = Snapshot(pb.Study(id="x/1", state=pb.STUDY_STATE_ACTIVE, notes=["no worker is registered"]))
    assert "Nothing is measured yet." in render(page(nothing))
    assert "no worker is registered" in render(live(nothing))


def test_several_environments_are_told_apart(snapshot, render):
    other = trials_pb2.Optimal(environment="f")
    both = dataclasses.replace(snapshot, optimal=[*snapshot.optimal, other])
    text = render(page(both), 120)
    assert "[bold]Jetson, 6 cores ─" in text
    assert "f ─" in text


def test_the_next_steps_name_the_study_and_its_store(render):
    text = render(next_steps("größe", "--home /data"))
    assert "tuner show größe --home /data " in text
