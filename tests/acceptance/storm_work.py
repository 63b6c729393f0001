"""The command that the storm's trials measure: it works for a moment and signs a ledger that nobody else keeps.

Started by itself, in a bare interpreter (``python -I -S storm_work.py LEDGER``); the parameters are in its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(ledger: str) -> None:
    """One run: a line in the ledger, on disk, before the result is told to anybody."""
    child = os.getsid(0)  # the workload's child leads the session
    worker = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    ticket = int.from_bytes(os.urandom(6), "big")  # a float holds it exactly
    if ticket % 3 == 0:
        # Some programs leave others running, out of the reach of their process group: the worker has to find them.
        null = subprocess.DEVNULL
        subprocess.Popen(["sleep", "120"], start_new_session=True, stdin=null, stdout=null, stderr=null)
    began = time.perf_counter()
    time.sleep(0.1 * int(os.environ["TUNER_WORK"]))
    line = json.dumps({"ticket": ticket, "worker": worker, "child": child, "at": time.time()})
    handle = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.fsync(handle)
    print(json.dumps({"latency_ms": 1000 * (time.perf_counter() - began), "ticket": ticket}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
