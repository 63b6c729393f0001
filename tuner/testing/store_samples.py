"""Studies, trials and results to test a store with. Their names are unicode and their values awkward on purpose."""

from __future__ import annotations

from dataclasses import replace

from tuner.core.environment import Environment, Fingerprint, StudyEnvironment
from tuner.core.expression import parse
from tuner.core.observation import Intermediate, Metric, Observation, Run
from tuner.core.param import CategoricalParam, FloatParam, IntParam
from tuner.core.space import Configuration, Space
from tuner.core.study import Budget, Objective, OutcomeConstraint, Study, StudySpec, StudyState, Workload
from tuner.core.trial import Attempt, AttemptState, Member, Origin, Purpose, Result, Trial, TrialState
from tuner.core.worker import Inventory, Offer, Worker, WorkerState
from tuner.store.base import Store, StoredResult

NOW = 1_700_000_000.25

DEVICE = Fingerprint({"arch": "aarch64", "board": "Böard ⚡ 2", "cores": "4"}, {"kernel": "6.1"})
ENVIRONMENT = Environment(DEVICE, {"load": "schwer"})


def make_study(name: str = "größe-延迟", run: int = 1, owner: str = "zoë") -> Study:
    """An active study."""
    latency = Metric("p95(latency_ms)", "latency_ms", "p95")
    accuracy = Metric("accuracy", "accuracy")
    space = Space(
        (
            IntParam(name="threads", low=1, high=4, default=1),
            CategoricalParam(name="präzision", values=("float32", "int8 ✓"), default="float32"),
            FloatParam(name="share", low=0.1, high=1.0, default=1.0, when=parse("threads > 1")),
        ),
        (parse("threads <= 3"),),
    )
    spec = StudySpec(
        name=name,
        workload=Workload("tflite", {"model": "digits", "shape": [1, 8, 8]}),
        space=space,
        objectives=(Objective(latency),),
        outcome_constraints=(OutcomeConstraint(accuracy, ">=", parse("0.9 * default")),),
        budget=Budget(trials=30, time=600.0),
        labels={"team": "τ"},
        seed=7,
    )
    return Study(
        id=f"{name}/{run}",
        spec=spec,
        run=run,
        state=StudyState.ACTIVE,
        created_at=NOW,
        source=f"name: {name}\n# λ\n",
        owner=owner,
        active_since=NOW,
    )


def make_trial(study_id: str, state: TrialState = TrialState.QUEUED, purpose: Purpose = Purpose.EXPLORE) -> Trial:
    """A trial with a prediction; its number is the store's to give."""
    return Trial(
        study_id=study_id,
        number=0,
        configuration=Configuration({"threads": 2, "präzision": "int8 ✓", "share": 0.1 + 0.2}),
        purpose=purpose,
        state=state,
        origin=Origin("gp", 3, "fallback: gp war zu spät", {"p95(latency_ms)": (1.5, 0.25)}),
        created_at=NOW,
        wanted=("p95(latency_ms)", "accuracy"),
        fidelity=0.5,
    )


def make_confirmation(study_id: str) -> Trial:
    """A final check, with a plan and a baseline."""
    plan = ("default", "recommended", "recommended", "default")
    baseline = Configuration({"threads": 1, "präzision": "float32"})
    return replace(make_trial(study_id, purpose=Purpose.CONFIRM), plan=plan, baseline=baseline, fidelity=None)


def make_attempt(trial: Trial, number: int = 1, worker: str = "w-1", expires_at: float = NOW + 30) -> Attempt:
    """A leased attempt with one member."""
    member = Member(worker, "main", 0, f"token:{trial.id}:{number}", "")
    return Attempt(trial.study_id, trial.number, number, AttemptState.LEASED, (member,), NOW, expires_at)


def make_result(attempt: Attempt, late: bool = False, mean: float = 12.5) -> StoredResult:
    """A completed result of two runs."""
    runs = tuple(
        Run(
            index=index,
            started_at=NOW + index,
            duration=0.1,
            values={"p95(latency_ms)": mean + index, "accuracy": 0.97},
            knobs={"cpufreq.governor": "schedutil", "vm.swappiness": 10, "thp": True},
            flags=("throttled",) if index else (),
            histogram={"latency_ms": ((1.0, 2.0), (3, 4))},
        )
        for index in range(2)
    )
    observations = (
        Observation("p95(latency_ms)", mean, 0.5, 2, "ms", "wall clock"),
        Observation("accuracy", 0.97, None, 1, "1", "held-out set"),
    )
    curve = (Intermediate(1, 0.5, "accuracy", 0.9), Intermediate(2, 1.0, "accuracy", 0.97))
    result = Result(TrialState.COMPLETED, observations, runs, curve, cost=2.5)
    worker = attempt.members[0].worker_id
    return StoredResult(attempt.study_id, attempt.trial, attempt.number, worker, ENVIRONMENT.id, NOW + 5, late, result)


def make_worker(worker_id: str = "w-1", state: WorkerState = WorkerState.ONLINE) -> Worker:
    """A worker with an inventory."""
    inventory = Inventory(
        fingerprint=DEVICE,
        knobs=(
            Offer("cpufreq.governor", True, "one of ...", "", "powersave", values=("powersave", "performance")),
            Offer("vm.swappiness", False, "int", "needs root", 60, 0.0, 100.0),
        ),
        meters=(Offer("time", True, metrics={"latency_ms": "ms"}),),
        workloads=(Offer("tflite", True),),
        labels={"ort": "Zürich"},
    )
    return Worker(worker_id, f"jetson {worker_id}", state, inventory, NOW, NOW + 1, "")


def make_environment(load: str = "schwer") -> StudyEnvironment:
    """An environment with a knob that the device lacks and one that it read."""
    return StudyEnvironment(Environment(DEVICE, {"load": load}), ("turbo",), {"governor": "powersave", "thp": False})


def stored_study(store: Store, name: str = "größe-延迟") -> Study:
    """A study that ``store`` keeps."""
    study = make_study(name)
    with store.transaction() as transaction:
        transaction.add_study(study)
    return study


def stored_trial(store: Store, study_id: str, state: TrialState = TrialState.QUEUED) -> Trial:
    """A trial that ``store`` keeps."""
    with store.transaction() as transaction:
        return transaction.add_trial(make_trial(study_id, state))


def stored_attempt(store: Store, trial: Trial, number: int = 1, expires_at: float = NOW + 30) -> Attempt:
    """A live attempt that ``store`` keeps."""
    attempt = make_attempt(trial, number, expires_at=expires_at)
    with store.transaction() as transaction:
        transaction.add_attempt(attempt)
    return attempt
