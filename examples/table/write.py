"""Writes what the study digits-table measured as a table that replay can answer from, one row for each run.

python examples/table/write.py HOST:PORT > examples/table/digits.csv
"""

import csv
import sys

from tuner_protos.convert import values_from_proto

from tuner import Client
from tuner.core.trial import TrialState

PARAMETERS = ("quantization", "width", "batch", "threads")
METRICS = {"latency_ms": "latency_median_ms", "throughput": "images_per_s", "accuracy": "accuracy"}


def main(address: str) -> None:
    """Print the table; the runs of a configuration stay in the order in which they were made."""
    rows: list[list[object]] = []
    with Client(address) as client:
        for listed in client.trials("digits-table", states=[TrialState.COMPLETED]):
            trial = client.trial(listed.id)  # alone, it comes with its runs
            configuration = values_from_proto(trial.configuration)
            for run in trial.runs:
                rows.append(
                    [configuration[name] for name in PARAMETERS] + [f"{run.values[key]:.6g}" for key in METRICS]
                )
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([*PARAMETERS, *METRICS.values()])
    table.writerows(sorted(rows, key=lambda row: row[: len(PARAMETERS)]))


if __name__ == "__main__":
    main(sys.argv[1])
