"""What a study has measured so far: the engine's history, and the findings of each environment."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping

from tuner.core.environment import StudyEnvironment
from tuner.core.observation import Observation, pool
from tuner.core.space import Configuration
from tuner.core.study import Study
from tuner.core.trial import COUNTED, Purpose, Trial, TrialState
from tuner.engine.base import Evaluated
from tuner.schedule.conclusion import Candidate, Findings
from tuner.store.base import StoredResult, Transaction

_MODELLED = (Purpose.DEFAULT, Purpose.EXPLORE, Purpose.REPLICATE, Purpose.REFERENCE, Purpose.IMPORTED)
"""Purposes whose results say what a configuration is worth. The final check's runs alternate with another
configuration's and are read by ``tuner.analysis.check`` alone."""

RECENT = 64
"""Trials from which the time of the next is told: so many that one says little, so few that to look costs nothing."""


def history(tx: Transaction, study: Study) -> tuple[Evaluated, ...]:
    """Every ended trial of a study as an engine sees it, in the order of their numbers; late results follow their
    trial as measurements of their own."""
    results: dict[int, list[StoredResult]] = defaultdict(list)
    for stored in tx.results(study.id):
        results[stored.trial].append(stored)
    evaluated = []
    for trial in tx.trials(study.id, states=tuple(COUNTED), purposes=_MODELLED):
        own = [stored for stored in results[trial.number] if not stored.late]
        evaluated.append(_evaluated(trial, own[0] if own else None))
        evaluated += [_evaluated(trial, stored) for stored in results[trial.number] if stored.late]
    return tuple(evaluated)


def _evaluated(trial: Trial, stored: StoredResult | None) -> Evaluated:
    result = stored.result if stored else None
    return Evaluated(
        configuration=trial.configuration,
        state=result.state if result else trial.state,
        observations={o.metric: o for o in result.observations} if result else {},
        environment=trial.environment or "",
        cost=result.cost if result else 0.0,
        fidelity=trial.fidelity,
        cause=result.cause if result else trial.cause,
        is_default=trial.purpose is Purpose.DEFAULT,
    )


def findings(tx: Transaction, study: Study) -> list[Findings]:
    """What the study found in each of its environments, in the order in which they joined."""
    past = history(tx, study)
    checks = tx.trials(study.id, purposes=[Purpose.CONFIRM])
    replicates = tx.trials(study.id, purposes=[Purpose.REPLICATE])
    found = []
    for settled in tx.environments(study.id):
        where = settled.environment.id
        here = [evaluated for evaluated in past if evaluated.environment == where]
        candidates = _candidates(study, here)
        defaults = {evaluated.configuration for evaluated in here if evaluated.is_default}
        found.append(
            Findings(
                where,
                next((c for c in candidates if c.configuration in defaults), None),
                candidates,
                sum(trial.environment == where for trial in replicates),
                [trial for trial in checks if trial.environment == where],
            )
        )
    return found


def joined(tx: Transaction, study: Study) -> list[StudyEnvironment]:
    """The environments in which the study's workers measure, in the order in which they joined; of others it only has
    imported measurements."""
    measured = {count.environment for count in tx.counts(study.id) if count.purpose is Purpose.DEFAULT}
    return [settled for settled in tx.environments(study.id) if settled.environment.id in measured]


def typical_cost(tx: Transaction, study: Study) -> float:
    """Median seconds that a trial took of late, of those that were completed; 0 while there is none."""
    newest = sum(count.number for count in tx.counts(study.id))
    recent = list(range(max(1, newest - RECENT + 1), newest + 1))
    results = [stored.result for stored in tx.results(study.id, trials=recent, late=False)]
    costs = [result.cost for result in results if result.state is TrialState.COMPLETED and result.cost > 0]
    return statistics.median(costs) if costs else 0.0


def _candidates(study: Study, here: list[Evaluated]) -> list[Candidate]:
    by_configuration: dict[Configuration, list[Evaluated]] = defaultdict(list)
    for evaluated in here:
        by_configuration[evaluated.configuration].append(evaluated)
    keys = [metric.key for metric in study.spec.wanted]
    candidates = []
    for configuration, trials in by_configuration.items():
        pooled = _pooled([t.observations for t in trials if t.state is TrialState.COMPLETED], keys)
        if pooled:
            candidates.append(Candidate(configuration, pooled, len(trials)))
    return candidates


def _pooled(observations: list[Mapping[str, Observation]], keys: list[str]) -> dict[str, Observation]:
    complete = [values for values in observations if all(key in values for key in keys)]
    return {key: pool([values[key] for values in complete]) for key in keys} if complete else {}
