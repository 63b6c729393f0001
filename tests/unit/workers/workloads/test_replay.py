from __future__ import annotations

from types import SimpleNamespace

import pytest
from tuner_workers.workloads.base import Context, WorkloadError
from tuner_workers.workloads.replay import ReplayWorkload

TABLE = """model,freq,gpu,time,power,note
a,100,1,0.5,10,gut
a,200,1,0.25,nan,
a,200,0,0,12,
a,300,1,0.2,14,
a,300,1,0.3,16,
b,100,1,9,90,größer
a,400
"""

SETTINGS = {
    "data": "board/table.csv",
    "parameters": {"frequency": "freq", "use_gpu": "gpu"},
    "metrics": {"latency_s": {"column": "time", "unit": "s"}, "power_w": {"column": "power", "unit": "W"}},
    "filters": {"model": "a"},
    "invalid": {"time": 0},
}


@pytest.fixture
def grants(tmp_path):
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "table.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "secret.csv").write_text(TABLE, encoding="utf-8")
    return SimpleNamespace(commands={}, data={"board": tmp_path / "board", "one": tmp_path / "board" / "table.csv"})


def replay(grants, configuration, settings=SETTINGS, contexts=None, runs=1):
    assert ReplayWorkload.check(settings) == []
    workload = ReplayWorkload()
    scratch = next(iter(grants.data.values()))
    workload.prepare(ReplayWorkload.resolve(settings, grants), Context(scratch, scratch, contexts=contexts or {}))
    workload.load(configuration)
    return [workload.run(configuration, lambda step, metrics: True).metrics for _ in range(runs)]


def test_the_row_that_matches_exactly_answers(grants):
    (metrics,) = replay(grants, {"frequency": 100, "use_gpu": True})
    assert metrics["latency_s"].samples == (0.5,)
    assert metrics["power_w"].samples == (10.0,)
    assert {name: metric.unit for name, metric in metrics.items()} == ReplayWorkload.declares(SETTINGS)
    assert metrics["latency_s"].method == "past measurement: time of table.csv"


def test_repeats_in_the_table_are_replayed_in_order(grants):
    runs = replay(grants, {"frequency": 300.0, "use_gpu": True}, runs=3)
    assert [run["latency_s"].samples[0] for run in runs] == [0.2, 0.3, 0.2]


@pytest.mark.parametrize(
    ("configuration", "kind", "message"),
    [
        ({"frequency": 150, "use_gpu": True}, "refused", "no row with model=a, freq=150.0, gpu=1.0"),
        ({"frequency": 200, "use_gpu": False}, "refused", "invalid: time=0.0"),
        ({"frequency": 200, "use_gpu": True}, "crashed", "the table has 'nan' in power"),
        ({"frequency": 400}, "crashed", "the table has '' in time"),
        ({"frequency": 100, "volume": 11}, "refused", "no column is named for volume; only for frequency, use_gpu"),
        ({"frequency": float("nan")}, "refused", "no row"),
    ],
)
def test_what_the_table_cannot_answer_fails_as_the_table_says(grants, configuration, kind, message):
    with pytest.raises(WorkloadError) as caught:
        replay(grants, configuration)
    assert caught.value.kind == kind
    assert message in caught.value.message


def test_contexts_pick_rows(grants):
    settings = {**SETTINGS, "filters": {}, "contexts": {"net": "model"}}
    (metrics,) = replay(grants, {"frequency": 100}, settings, {"net": "b"})
    assert metrics["latency_s"].samples == (9.0,)
    with pytest.raises(WorkloadError, match="declares no context 'net'; it declares none"):
        replay(grants, {"frequency": 100}, settings)


def test_an_entry_of_the_policy_may_be_the_file_itself(grants):
    (metrics,) = replay(grants, {"frequency": 100}, {**SETTINGS, "data": "one"})
    assert metrics["power_w"].samples == (10.0,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("elsewhere.csv", "the policy of this device has no data 'elsewhere.csv'; it has board, one"),
        ("/etc/passwd", "the policy of this device has no data ''"),
        ("board/../secret.csv", "leads out of the policy's data 'board'"),
        ("board/none.csv", "is no file on this device"),
        ("board", "is no file on this device"),
    ],
)
def test_only_files_of_the_policy_are_read(grants, data, message):
    with pytest.raises(WorkloadError) as caught:
        ReplayWorkload.resolve({**SETTINGS, "data": data}, grants)
    assert caught.value.kind == "unavailable"
    assert message in caught.value.message


def test_a_link_out_of_the_folder_is_not_followed(grants, tmp_path):
    (tmp_path / "board" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(WorkloadError, match="leads out"):
        ReplayWorkload.resolve({**SETTINGS, "data": "board/link.csv"}, grants)


def test_columns_that_do_not_exist_are_named_with_those_that_do(grants):
    settings = {**SETTINGS, "parameters": {"frequency": "Freq"}, "filters": {"größe": 1}}
    with pytest.raises(WorkloadError) as caught:
        ReplayWorkload.resolve(settings, grants)
    assert caught.value.message.splitlines() == [
        "workload.parameters.frequency: there is no column 'Freq'; there are model, freq, gpu, time, power, note",
        "workload.filters: there is no column 'größe'; there are model, freq, gpu, time, power, note",
    ]


def test_a_file_that_is_no_text_is_said(grants, tmp_path):
    (tmp_path / "board" / "table.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WorkloadError, match=r"table\.csv cannot be read"):
        ReplayWorkload.resolve(SETTINGS, grants)


def test_every_wrong_setting_is_a_sentence():
    settings = {"data": 3, "parameters": {"a": 1}, "metrics": {"m": {"column": "c"}, "n": 2}, "filters": [], "speed": 1}
    assert sorted(ReplayWorkload.check(settings)) == [
        "workload.data: expected text, got 3",
        "workload.filters: expected a table {column: value}, got []",
        "workload.metrics.m.unit: expected text, got None",
        "workload.metrics.n: expected {column, unit}, got 2",
        "workload.parameters.a: expected text, got 1",
        "workload.speed: unknown setting; expected one of data, parameters, metrics, filters, contexts, invalid",
    ]
    assert len(ReplayWorkload.check({})) == 3
