"""Measure by yourself what a server proposes, over gRPC; the base install is enough for such a program.

    tuner serve &
    python examples/ask_tell.py 127.0.0.1:7077

ask_tell.yaml says what is looked for. Started several times at once, copies of this program share the study.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tuner import Client, Observation
from tuner.core.expression import Value

STUDY = Path(__file__).with_name("ask_tell.yaml")
REPEATS, SECONDS = 3, 0.3
SAMPLE = bytes(range(256))


def fill(
    path: Path, batch_rows: int, journal: str, synchronous: str, page_kib: int, cache_mib: int, checkpoint: int = 1000
) -> tuple[float, float]:
    """Append rows to a new file for a while: rows per second until it is closed, and bytes of the file per row."""
    began, rows = time.perf_counter(), 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_kib * 1024}")
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA cache_size = {-cache_mib * 1024}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint}")
        connection.execute("CREATE TABLE samples (id INTEGER PRIMARY KEY, label INTEGER, data BLOB)")
        while not rows or time.perf_counter() - began < SECONDS:
            batch = [(row % 10, SAMPLE) for row in range(batch_rows)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO samples (label, data) VALUES (?, ?)", batch)
            connection.execute("COMMIT")
            rows += batch_rows
    return rows / (time.perf_counter() - began), path.stat().st_size / rows


def measure(config: Mapping[str, Value]) -> tuple[Observation, float]:
    """Rows per second, with how much they vary, and bytes per row; ``config`` holds the parameters that are active."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [fill(Path(folder) / f"{repeat}.sqlite", **config) for repeat in range(REPEATS)]
    speeds, sizes = zip(*runs, strict=True)
    speed = Observation("rows_per_s", statistics.fmean(speeds), statistics.variance(speeds), REPEATS, "1/s")
    return speed, max(sizes)


def main(address: str) -> None:
    """Submit the study; ask, measure and tell until nothing is left to measure."""
    with Client(address) as client:
        submitted = client.create_study(STUDY.read_text(), file_name=STUDY.name)
        study = client.study(submitted.study.id)
        while trials := study.ask():
            for trial in trials:
                began = time.monotonic()
                try:
                    speed, size = measure(trial.config)
                except sqlite3.Error as error:
                    study.tell(trial.id, failed=str(error))
                    continue
                values = {"rows_per_s": speed, "bytes_per_row": size}
                study.tell(trial.id, values, cost=time.monotonic() - began)
                print(f"{trial.id}  {speed.mean:8.0f} rows/s  {dict(trial.config)}")
        best = study.best()
        print(f"{best.values['rows_per_s']:.0f} rows/s with {dict(best.config)}" if best else "nothing was measured")


if __name__ == "__main__":
    main(sys.argv[1])
