"""A real model, trained for one epoch, converted and run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from tuner_workers.testing.workload import WorkloadTestCase
from tuner_workers.workloads.artifacts import ArtifactStore
from tuner_workers.workloads.base import Context, WorkloadError
from tuner_workers.workloads.tflite import TfliteWorkload
from tuner_workers.workloads.tflite.build import build, build_all
from tuner_workers.workloads.tflite.variant import QUANTIZATIONS, Settings, Variant

SETTINGS = {"model": "digits-cnn", "epochs": 1, "samples": 5, "test_images": 64}
BUILD_ALL = f"""
import sys
from pathlib import Path
from tuner_workers.workloads.tflite.build import build_all
choices = [{{"width": 0.25, "quantization": q}} for q in {QUANTIZATIONS!r}]
built = build_all({SETTINGS!r}, choices, Path(sys.argv[1]))
assert built == 4
"""

if reason := TfliteWorkload.missing():
    pytest.skip(reason, allow_module_level=True)
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("tensorflow is not installed: there is nothing to convert the model with", allow_module_level=True)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """All quantizations of the narrowest network, built in a process that TensorFlow may keep its threads in."""
    folder = tmp_path_factory.mktemp("artifacts")
    ended = subprocess.run(
        [sys.executable, "-c", BUILD_ALL, str(folder)], capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return folder


def load(artifacts, tmp_path, configuration):
    workload = TfliteWorkload()
    workload.prepare(SETTINGS, Context(artifacts=artifacts, scratch=tmp_path))
    workload.load(configuration)
    return workload


def run(artifacts, tmp_path, **configuration):
    return load(artifacts, tmp_path, {"width": 0.25} | configuration).run({}, lambda step, metrics: True)


class TestTflite(WorkloadTestCase):
    @pytest.fixture
    def workload(self):
        return TfliteWorkload

    @pytest.fixture
    def settings(self):
        return SETTINGS

    @pytest.fixture
    def configuration(self):
        return {"width": 0.25, "batch": 3, "quantization": "int8"}

    @pytest.fixture
    def context(self, artifacts, tmp_path):
        return Context(artifacts=artifacts, scratch=tmp_path, seed=1)

    @pytest.fixture
    def wrong_settings(self):
        return [{}, {"model": "resnet"}, {"model": "digits-cnn", "samples": 0}, {"model": "digits-cnn", "seed": True}]

    @pytest.fixture
    def refused(self):
        return [{"width": 3}, {"batch": 0}, {"delegate": "npu"}, {"volume": 11}, {"quantization": "int4"}]


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_every_quantization_runs_with_and_without_the_delegate(artifacts, tmp_path, quantization, delegate):
    output = run(artifacts, tmp_path, quantization=quantization, delegate=delegate, batch=5)
    latencies = output.metrics["latency_ms"].samples
    assert len(latencies) >= 5
    assert min(latencies) > 0
    assert output.items % 5 == 0
    # Far from trained after one epoch, but no quantization may turn it into another network.
    reference = run(artifacts, tmp_path).metrics["accuracy"].samples[0]
    assert output.metrics["accuracy"].samples[0] == pytest.approx(reference, abs=0.15)


def test_quantization_makes_the_model_smaller(artifacts, tmp_path):
    sizes = {q: run(artifacts, tmp_path, quantization=q).metrics["model_kb"].samples[0] for q in QUANTIZATIONS}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]


def test_accuracy_does_not_depend_on_the_batch(artifacts, tmp_path):
    accuracies = {run(artifacts, tmp_path, batch=batch).metrics["accuracy"].samples[0] for batch in (1, 7, 64, 500)}
    assert len(accuracies) == 1


def test_nothing_is_imported_when_everything_is_there(artifacts):
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            BUILD_ALL + "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)",
            artifacts,
        ],
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0


def test_a_damaged_model_is_built_again(artifacts, tmp_path, monkeypatch):
    store, settings, variant = ArtifactStore(artifacts), Settings.of(SETTINGS), Variant(width=0.25)
    content = store.find(settings.converted(0.25, "float32"))
    assert content is not None
    digest = store.add(settings.converted(0.25, "float32"), content)
    damaged = artifacts / "objects" / digest
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WorkloadError, match="is not built here"):
        run(artifacts, tmp_path)
    made = []

    def make(*arguments):
        made.append(arguments)
        store.add(settings.converted(0.25, "float32"), content)

    monkeypatch.setattr("tuner_workers.workloads.tflite.build._make", make)
    build(settings, variant, store)
    build(settings, variant, store)
    assert made == [(settings, variant, store)]
    assert run(artifacts, tmp_path).items > 0


def test_without_tensorflow_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WorkloadError) as caught:
        build_all(SETTINGS, [{"width": 0.5}], tmp_path)
    assert caught.value.kind == "unavailable"
    assert "tensorflow, sklearn is not installed" in caught.value.message
    assert "mlsys-tuner[tflite]" in TfliteWorkload.missing()


def test_an_output_that_is_not_finite_is_a_wrong_result(artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(TfliteWorkload, "_invoke", lambda self, batch: batch.reshape(len(batch), -1) * float("nan"))
    with pytest.raises(WorkloadError, match="wrong result: the output holds values that are not finite"):
        load(artifacts, tmp_path, {"width": 0.25})


def test_an_output_of_another_shape_is_a_wrong_result(artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(TfliteWorkload, "_invoke", lambda self, batch: batch[0, 0])
    with pytest.raises(WorkloadError, match="wrong result: 1 images gave an output of shape"):
        load(artifacts, tmp_path, {"width": 0.25})


def test_a_model_that_is_none_is_refused(artifacts, tmp_path):
    other = ArtifactStore(tmp_path)
    settings = Settings.of(SETTINGS)
    data = ArtifactStore(artifacts).find(settings.data)
    assert data is not None
    other.add(settings.data, data)
    other.add(settings.converted(0.25, "float32"), b"not a model")
    with pytest.raises(WorkloadError, match=r"refused: .* does not take the model"):
        load(tmp_path, tmp_path, {"width": 0.25})
