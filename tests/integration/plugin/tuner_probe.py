"""What a third party would install: a workload and a knob, made so that tests can see and steer what happens.

The knob is a file that stands for a setting of a device: no real one can be changed safely, or made to fail, in tests.
"""

import json
import os
import signal
import time
from pathlib import Path

from tuner_workers.knobs.base import Domain, KnobRefused, SystemKnob
from tuner_workers.workloads.base import MetricSamples, RunOutput, Workload, WorkloadError


def device() -> Path:
    return Path(os.environ["PROBE_DEVICE"])


class ProbeKnob(SystemKnob):
    """``level`` in 0..100. It refuses 13, and while ``stuck`` exists it keeps what it has without a word."""

    name = "probe.level"

    def probe(self):
        return Domain("int", 0, 100)

    def read(self):
        return int((device() / "level").read_text())

    def apply(self, value):
        if value == 13:
            raise KnobRefused("13 brings bad luck")
        with (device() / "writes").open("a") as log:
            log.write(f"{value}\n")
        if not (device() / "stuck").exists():
            (device() / "level").write_text(str(value))


class ProbeWorkload(Workload):
    """Reports ``latency_ms`` = ten times the level in force, and ``accuracy``; ``mode`` says what else it does."""

    kind = "probe"
    builds = True
    summary = "a probe"

    @classmethod
    def check(cls, settings) -> list[str]:
        return [f"{name} is unknown" for name in settings if name not in ("mode", "runs")]

    @classmethod
    def declares(cls, settings) -> dict[str, str]:
        return {"latency_ms": "ms", "accuracy": "1", "extra": "1"}

    def prepare(self, settings, context):
        self.mode = settings.get("mode", "")
        self.scratch = context.scratch
        self.runs = 0

    def build(self, configuration):
        self._note("build", configuration)

    def load(self, configuration):
        self._note("load", configuration)

    def run(self, configuration, report):
        mode = configuration.get("mode", self.mode)
        self._note("run", configuration)
        self.runs += 1
        if mode == "refuse":
            raise WorkloadError("refused", "this can never run")
        if mode == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if mode == "wait":
            # Until it is asked to stop; an ending by its parent is the other way out.
            step = 0
            while report(step, {"loss": 1.0 / (step + 1)}):
                step += 1
                time.sleep(0.01)
        while mode == "gate" and not (device() / "open").exists():
            time.sleep(0.01)
        if mode == "deaf":
            report(0, {"loss": 1.0})
            time.sleep(600)
        level = int((device() / "level").read_text())
        samples = tuple(10.0 * level + offset for offset in (-1.0, 0.0, 1.0))
        if mode == "spread":
            samples = tuple(sample * (1 + self.runs % 3) for sample in samples)
        metrics = {
            "latency_ms": MetricSamples(samples, "s" if mode == "unit" else "ms", "wall clock"),
            "accuracy": MetricSamples((0.5,), "1", "counted"),
            "undeclared": MetricSamples((1.0,), "1", "counted"),
        }
        return RunOutput(metrics, items=len(samples))

    def _note(self, step, configuration):
        level = int((device() / "level").read_text())
        with (device() / "steps").open("a") as log:
            log.write(json.dumps([step, level, dict(configuration)]) + "\n")
