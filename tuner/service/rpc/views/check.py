"""The final check of a study as a reader sees it."""

from __future__ import annotations

from collections.abc import Sequence

from tuner_protos.v1 import data_pb2 as pb

from tuner.analysis.check import check
from tuner.core.study import Study
from tuner.core.trial import Purpose, TrialState
from tuner.store.base import Transaction


def check_views(tx: Transaction, study: Study) -> list[pb.Check]:
    """The final check of each environment that had one."""
    messages = []
    for trial in tx.trials(study.id, purposes=[Purpose.CONFIRM], states=[TrialState.COMPLETED]):
        stored = tx.results(study.id, trials=[trial.number], late=False, runs=True)
        if not stored:
            continue
        observed = {o.metric: o for o in stored[0].result.observations}
        metrics = [
            pb.CheckedMetric(
                metric=checked.metric,
                default_mean=checked.default,
                recommended_mean=checked.recommended,
                ratio=checked.ratio,
                ci_low=checked.ci95[0] if checked.ci95 else None,
                ci_high=checked.ci95[1] if checked.ci95 else None,
                pi_low=checked.pi95[0] if checked.pi95 else None,
                pi_high=checked.pi95[1] if checked.pi95 else None,
                n=checked.n,
                unit=observed[checked.metric].unit if checked.metric in observed else "",
                method=observed[checked.metric].method if checked.metric in observed else "",
                verdict=checked.verdict,
            )
            for checked in check(study.spec.objectives, stored[0].result.runs)
        ]
        messages.append(
            pb.Check(
                environment=trial.environment or "",
                trial=trial.number,
                metrics=metrics,
                conclusion=_conclusion([metric.verdict for metric in metrics]),
            )
        )
    return messages


def _conclusion(verdicts: Sequence[str]) -> str:
    if all(verdict == "better" for verdict in verdicts):
        return "The recommended configuration is better than the default."
    if "better" not in verdicts:
        return "No improvement found."
    if "worse" in verdicts:
        return "Better in one objective, worse in another: a trade, not an improvement."
    return "Better in one objective; in another no difference was shown."
