from __future__ import annotations

import pytest
from tuner_workers.workloads.base import WorkloadError
from tuner_workers.workloads.tflite.variant import Settings, Variant


def test_every_parameter_may_be_left_out():
    assert Variant.of({}) == Variant("float32", 1.0, 1, 1, "xnnpack")


def test_a_configuration_is_taken_as_the_space_spells_it():
    configuration = {"quantization": "int8", "width": 2, "batch": 8.0, "threads": 2, "delegate": "none"}
    assert Variant.of(configuration) == Variant("int8", 2.0, 8, 2, "none")


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"volume": 1, "bass": 2}, "tflite has no parameter bass, volume; it has quantization, width, batch, threads"),
        ({"width": 3}, "width is one of 0.25, 0.5, 1.0, 2.0, not 3"),
        ({"width": True}, "width is one of 0.25, 0.5, 1.0, 2.0, not True"),
        ({"width": float("nan")}, "width is one of 0.25, 0.5, 1.0, 2.0, not nan"),
        ({"quantization": "int4"}, "quantization is one of float32, float16, dynamic, int8, not 'int4'"),
        ({"delegate": "npu"}, "delegate is one of xnnpack, none, not 'npu'"),
        ({"batch": 0}, "batch is a whole number from 1 to 4096, not 0"),
        ({"batch": 1.5}, "batch is a whole number from 1 to 4096, not 1.5"),
        ({"threads": "2"}, "threads is a whole number from 1 to 256, not '2'"),
        ({"threads": float("inf")}, "threads is a whole number from 1 to 256, not inf"),
    ],
)
def test_what_can_never_run_is_refused(configuration, message):
    with pytest.raises(WorkloadError) as caught:
        Variant.of(configuration)
    assert caught.value.kind == "refused"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({"model": "digits-cnn", "samples": 10, "seed": 0}, []),
        ({}, ["workload.model: is missing"]),
        ({"model": "resnet"}, ["workload.model: there is no model 'resnet'; there is digits-cnn"]),
        ({"model": "digits-cnn", "epochs": 0}, ["workload.epochs: expected a whole number from 1 to 1000, got 0"]),
        (
            {"model": "digits-cnn", "seed": True},
            ["workload.seed: expected a whole number from 0 to 4294967295, got True"],
        ),
        (
            {"model": "digits-cnn", "speed": 1},
            ["workload.speed: unknown setting; expected one of model, samples, test_images, epochs, seed"],
        ),
    ],
)
def test_settings_are_checked(settings, problems):
    assert Settings.problems(settings) == problems


def test_what_decides_a_model_is_in_its_recipe_and_nothing_else():
    base = Settings("digits-cnn")
    assert base.converted(1.0, "int8") != base.converted(1.0, "float32") != base.converted(2.0, "float32")
    assert (
        base.weights(1.0)
        != Settings("digits-cnn", seed=1).weights(1.0)
        != Settings("digits-cnn", epochs=2).weights(1.0)
    )
    assert base.weights(1.0) == Settings("digits-cnn", samples=9, test_images=9).weights(1.0)
