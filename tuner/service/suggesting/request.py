"""From what is stored to what an engine is asked."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.core.environment import StudyEnvironment
from tuner.core.seed import derived_seed
from tuner.core.study import Study
from tuner.core.trial import TrialState
from tuner.engine.base import SuggestRequest
from tuner.service.operations.findings import history
from tuner.store.base import Transaction


@dataclass(frozen=True)
class Question:
    """A request, and the numbers of the trials that were open when it was made. The event of the trial it led to holds
    these, the seed, the count and the last event seen: with them the request can be made again from the store."""

    request: SuggestRequest
    open_trials: tuple[int, ...]


def build_request(tx: Transaction, study: Study, settled: StudyEnvironment, count: int, deadline: float) -> Question:
    """Ask for ``count`` suggestions in an environment, given everything stored now."""
    where = settled.environment.id
    spec = study.spec
    living = [state for state in TrialState if not state.terminal]
    open_trials = [trial for trial in tx.trials(study.id, states=living) if trial.environment == where]
    past = history(tx, study)
    request = SuggestRequest(
        space=spec.space.without(settled.absent),
        objectives=spec.objectives,
        outcome_constraints=spec.outcome_constraints,
        completed=past,
        pending=tuple(trial.configuration for trial in open_trials),
        environment=where,
        count=count,
        seed=derived_seed(spec.seed, where),
        deadline=deadline,
        sequence=tx.last_event(study.id),
        options=spec.engine.options,
    )
    return Question(request, tuple(trial.number for trial in open_trials))
