"""From the end of exploring to the end of the study: replicates of what looks best, the final check, the close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.core.observation import Observation
from tuner.core.preference import feasible, front, recommend
from tuner.core.space import Configuration
from tuner.core.study import EXTERNAL, StudySpec, StudyState
from tuner.core.trial import Purpose, Trial, TrialState

PROMISING = 3
"""With ``replicates: auto``, how many of the best configurations are measured once more before one is recommended:
the best of many noisy values is too good to be true (Smith and Winkler, "The Optimizer's Curse", 2006)."""


@dataclass(frozen=True)
class Candidate:
    """A configuration with what all its trials in one environment measured, pooled.

    ``trials`` is how many of them have ended, completed or not.
    """

    configuration: Configuration
    observations: Mapping[str, Observation]
    trials: int

    @property
    def values(self) -> Mapping[str, float]:
        """Means by metric key."""
        return {key: observation.mean for key, observation in self.observations.items()}


@dataclass(frozen=True)
class Findings:
    """What a study found in one environment.

    Attributes:
        default: the default configuration and its pooled values; None where it was not completed.
        candidates: every configuration completed at least once, the default among them.
        replicates: how many replicate trials there have been.
        checks: the trials of the final check.
    """

    environment: str
    default: Candidate | None
    candidates: Sequence[Candidate]
    replicates: int = 0
    checks: Sequence[Trial] = ()

    def admissible(self, spec: StudySpec) -> list[tuple[Candidate, Mapping[str, float]]]:
        """The candidates that keep every outcome constraint."""
        default = self.default.values if self.default else None
        return [
            (candidate, candidate.values)
            for candidate in self.candidates
            if feasible(spec.outcome_constraints, candidate.values, default) is True
        ]

    def front(self, spec: StudySpec) -> list[Candidate]:
        """The admissible candidates that no other dominates."""
        return [candidate for candidate, _ in front(spec.objectives, self.admissible(spec))]

    def recommended(self, spec: StudySpec) -> Candidate | None:
        """The one of the front that ``tuner.core.preference.recommend`` picks; None where nothing is admissible."""
        chosen = recommend(spec.objectives, self.admissible(spec), self.default.values if self.default else None)
        return chosen[0] if chosen else None


@dataclass(frozen=True)
class NewTrial:
    """A trial to be queued."""

    environment: str
    purpose: Purpose
    configuration: Configuration
    plan: tuple[str, ...] = ()
    baseline: Configuration | None = None


@dataclass(frozen=True)
class Step:
    """What to do next: trials to queue, and the state to move to (None: stay)."""

    trials: tuple[NewTrial, ...] = ()
    state: StudyState | None = None
    reason: str = ""


def conclude(spec: StudySpec, state: StudyState, findings: Sequence[Findings]) -> Step:
    """The next step of a study that explores no more and of which no trial is open."""
    if state is StudyState.CONFIRMING:
        return Step(state=StudyState.COMPLETED, reason=_verdict(findings))
    replicates = tuple(trial for found in findings for trial in _replicates(spec, found))
    if replicates:
        return Step(replicates)
    if not any(found.candidates for found in findings):
        return Step(state=StudyState.FAILED, reason="no configuration could be measured; see `tuner trials`")
    checks = tuple(check for found in findings for check in _check(spec, found))
    if checks:
        return Step(checks, StudyState.CONFIRMING, "measuring the default and the recommended configuration again")
    return Step(state=StudyState.COMPLETED, reason="; ".join(_unchecked(spec, found) for found in findings))


def check_plan(blocks: int) -> tuple[str, ...]:
    """The arms of a final check in order: pairs of default and recommended whose order alternates (ABBA). A steady
    drift of the device cancels in an even number of pairs, and but for one step of it in an odd one."""
    pairs = [("default", "recommended"), ("recommended", "default")]
    return tuple(arm for block in range(blocks) for arm in pairs[block % 2])


def _replicates(spec: StudySpec, found: Findings) -> list[NewTrial]:
    wanted = spec.measurement.replicates
    default = found.default.configuration if found.default else None
    points = [point for point in found.admissible(spec) if point[0].configuration != default]
    reference = found.default.values if found.default else None
    promising: list[Candidate] = []
    while points and len(promising) < PROMISING:
        chosen = recommend(spec.objectives, points, reference)
        if chosen is None:
            break
        promising.append(chosen[0])
        points = [point for point in points if point[0] is not chosen[0]]
    more = 1 if wanted == "auto" else wanted
    # Replicates can change which candidates look best, and those are then owed theirs; the bound ends the chase.
    allowed = max(0, 2 * PROMISING * more - found.replicates)
    owed = [
        NewTrial(found.environment, Purpose.REPLICATE, candidate.configuration)
        for candidate in promising
        for _ in range(more + 1 - candidate.trials)
    ]
    return owed[:allowed]


def _check(spec: StudySpec, found: Findings) -> list[NewTrial]:
    recommended = found.recommended(spec)
    if not spec.measurement.blocks or found.default is None or recommended is None:
        return []
    if spec.workload.kind == EXTERNAL:
        # Nobody else can be made to alternate between two configurations.
        return []
    if recommended.configuration == found.default.configuration:
        return []
    plan = check_plan(spec.measurement.blocks)
    return [NewTrial(found.environment, Purpose.CONFIRM, recommended.configuration, plan, found.default.configuration)]


def _unchecked(spec: StudySpec, found: Findings) -> str:
    recommended = found.recommended(spec)
    if found.default is None:
        return "the default configuration could not be measured, so no improvement is claimed"
    if recommended is None:
        return "no configuration keeps the outcome constraints"
    if recommended.configuration == found.default.configuration:
        if len(spec.objectives) > 1:
            return "no improvement found: whatever is better than the default in one objective is worse in another"
        return "no improvement found: the default configuration is the best that was measured"
    return "done, without a final check"


def _verdict(findings: Sequence[Findings]) -> str:
    failed = [trial for found in findings for trial in found.checks if trial.state is not TrialState.COMPLETED]
    if failed:
        causes = "; ".join(sorted({str(trial.cause or trial.state.value) for trial in failed}))
        return f"the final check was not completed, so no improvement is claimed ({causes})"
    return "done; the recommended configuration was checked against the default"
