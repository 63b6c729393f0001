"""kill -9 at random moments over workers, server and engine, while a study turns two system knobs on each device.

    python tests/acceptance/storm.py --kills 100 --seed 1

Two workers measure one study after the other with real processes; each victim is started again. At the end every
promise is held against what is on disk: the workload's own ledger, the store, the journals, the machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil
import storm_verdict as verdict
from storm_counts import TARGETS, Counts, Kill
from storm_device import Lab, lab
from storm_processes import Server, Stalled, Worker, marked, poll
from storm_study import policy_text, study_text

from tuner.client.client import Client
from tuner.core.errors import TunerError

LEASE_TERM = 2.0
PATIENCE = 120.0
"""Seconds for a moment to come: everything is slower than it should be on a machine that does something else, too."""

MOMENTS = {"applied": 6, "spooled": 2, "whenever": 3}


class Storm:
    """One storm over one server and a worker for each device."""

    def __init__(self, folder: Path, lab: Lab, *, seed: int, trials: int, engine: str) -> None:
        self._folder, self._rng, self._mark = folder, random.Random(seed), uuid.uuid4().hex
        self._ledger = folder / "ledger"
        policy = folder / "policy.yaml"
        policy.write_text(policy_text(lab, self._ledger))
        self._study = study_text(lab, trials=trials, engine=engine, seed=seed)
        self._lab = lab
        self._server = Server(folder, self._mark, LEASE_TERM)
        self._workers = [Worker(folder, self._mark, self._server.address, policy, device) for device in lab.devices]
        self._services = (*self._workers, self._server)
        self._spooled: set[str] = set()
        self._undone: list[str] = []
        self._looked = 0.0
        self.kills: list[Kill] = []

    def rage(self, kills: int, tell: Callable[[str], None]) -> Counts:
        """Kill so often, let the study come to its end, and count."""
        self._server.start()
        for worker in self._workers:
            worker.start()
        self._submit()
        while (number := len(self.kills)) < kills:
            self._strike(kills)
            for kill in self.kills[number:]:
                tell(str(kill))
        self._wait_for_the_end()
        ended = {service.name: service.end() for service in self._services}
        return self._count(ended)

    # --- killing ---

    def _strike(self, kills: int) -> None:
        """One victim, now and then two at once; then they are started again."""
        both = self._rng.random() < 0.2 and len(self.kills) + 1 < kills
        targets = self._rng.sample(("worker", "server"), 2) if both else [self._rng.choice(TARGETS)]
        moment = self._rng.choices(list(MOMENTS), list(MOMENTS.values()))[0]
        candidates = self._await(moment, targets[0])
        victims = [victim for target in targets if (victim := self._kill(target, moment, candidates)) is not None]
        for victim in sorted(victims, key=lambda victim: victim is self._server):
            if isinstance(victim, Worker):
                self._spooled.update(victim.spooled())
            # Often long enough for a lease to run out.
            time.sleep(self._rng.choice((0.0, self._rng.uniform(0.0, 1.5 * LEASE_TERM))))
            victim.start()
            if isinstance(victim, Worker) and self._server in victims:
                # It gets no lease before the server is back: time to look at what its start alone has mended.
                for _ in poll(f"{victim.name} did not recover", PATIENCE):
                    if victim.has_recovered:
                        break
                self._undone += victim.left_undone()

    def _await(self, moment: str, target: str) -> list[Worker]:
        """Wait until it is time; the workers for which it is."""
        condition: Callable[[Worker], object] = {
            "applied": lambda worker: worker.device.changed(),
            "spooled": lambda worker: worker.has_spooled,
            "whenever": lambda worker: True,
        }[moment]
        # Nothing of what is killed is waited for to be up but what the moment itself needs: starts are moments, too.
        for _ in poll(f"no moment to kill {target} while {moment}", PATIENCE, pause=0.001):
            self._keep_busy()
            found = [worker for worker in self._workers if condition(worker)]
            if found and (target != "engine" or self._server.engine() is not None):
                break
        if moment != "spooled":
            time.sleep(self._rng.uniform(0.0, 1.0 if moment == "whenever" else 0.2))
        return found

    def _kill(self, target: str, moment: str, candidates: list[Worker]) -> Worker | Server | None:
        """Kill it; what is to be started again."""
        victim = self._rng.choice(candidates) if target == "worker" else self._server
        watched = [victim.device] if isinstance(victim, Worker) else self._lab.devices
        before = any(device.changed() for device in watched)
        if target == "engine":
            if not self._server.kill_engine():
                return None
        else:
            victim.kill()
        # A dead worker's device stays as it is: what is read afterwards is what held at that moment.
        applied = any(device.changed() for device in watched) and (before or target == "worker")
        spooled = any(worker.has_spooled for worker in ([victim] if isinstance(victim, Worker) else self._workers))
        self.kills.append(Kill(target, moment, applied, spooled))
        return None if target == "engine" else victim

    # --- the study ---

    def _submit(self) -> None:
        with Client(self._server.address, timeout=PATIENCE) as client:
            client.create_study(self._study)

    def _keep_busy(self) -> None:
        """Submit the study anew when it has ended: it is then its next run."""
        if time.monotonic() < self._looked + 1.0 or not self._server.ready:
            return
        self._looked = time.monotonic()
        for service in self._services:
            service.check()
        self._submit()

    def _wait_for_the_end(self) -> None:
        for _ in poll("the study did not end", 3 * PATIENCE, pause=0.2):
            for service in self._services:
                service.check()
            if self._server.ready:
                with suppress(TunerError), Client(self._server.address, timeout=5.0) as client:
                    if all(study.ended_at for study in client.studies()):
                        return

    # --- counting ---

    def _count(self, ended: dict[str, int]) -> Counts:
        record, ledger = verdict.Record(self._server.store), verdict.read_ledger(self._ledger)
        lives = {worker.state.worker_id.read_text(): [*worker.killed, worker.pid] for worker in self._workers}
        pids = [pid for life in lives.values() for pid in life]
        killed = [pid for worker in self._workers for pid in worker.killed]
        stored = set(record.tickets)
        facts = {
            "studies": len(record.studies),
            "trials": len(record.trials),
            "of these failed, every attempt lost": sum("attempts lost" in str(t.cause) for t in record.trials),
            "of these failed otherwise": sum(t.cause is not None and "lost" not in str(t.cause) for t in record.trials),
            "attempts": len(record.attempts),
            "results": len(record.results),
            "of these late, kept as replicates": sum(result.late for result in record.results),
            "runs signed in the ledger": len(ledger),
            "of these cut off before their result": sum(entry.ticket not in stored for entry in ledger),
        }
        wrong = {
            "trials lost": verdict.lost_trials(record),
            "finished measurements lost": verdict.lost_results(record, ledger, lives, killed, self._spooled),
            "counted twice": verdict.counted_twice(record, ledger),
            "runs under other values": verdict.under_other_values(record),
            "left undone by a worker's next start": self._undone,
            "knobs left changed at the end": [f"{d.name}: {knob}" for d in self._lab.devices for knob in d.changed()],
            "journal entries left open": [e for w in self._workers for e in verdict.open_entries(w.state.journal)],
            "results left in a spool": [entry.name for w in self._workers for entry in w.state.spool.iterdir()],
            "control groups left behind": verdict.control_groups(pids),
            "processes left behind": [f"{p.pid} {' '.join(p.cmdline())}" for p in marked(self._mark)],
            "errors in a log": [line for s in self._services for line in s.errors()],
            "processes that did not end well": [f"{name}: exit code {code}" for name, code in ended.items() if code],
        }
        return Counts(self._lab, self.kills, facts, wrong)

    def close(self) -> None:
        """End what is left, however the storm ended."""
        left = marked(self._mark)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10.0)

    def logs(self) -> str:
        """The end of every log."""
        return "\n".join(f"--- {s.name}{s.tail()}" for s in self._services if s.log.exists())


def rage(
    folder: Path, *, kills: int, seed: int, trials: int, engine: str, tell: Callable[[str], None] = lambda line: None
) -> Counts:
    """A storm in ``folder``, and what came of it.

    Raises:
        Stalled: something did not go on; with the end of every log.
    """
    with lab(folder) as found:
        storm = Storm(folder, found, seed=seed, trials=trials, engine=engine)
        try:
            return storm.rage(kills, tell)
        except Stalled as error:
            raise Stalled(f"{error}\n{storm.logs()}") from error
        finally:
            storm.close()


def say(text: str, where: TextIO) -> None:
    """At once, whoever reads it."""
    where.write(f"{text}\n")
    where.flush()


def main() -> int:
    """The command line; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, default=20, help="explore trials of each study")
    parser.add_argument("--engine", default="gp")
    parser.add_argument("--folder", type=Path, help="a new folder to keep store, logs and journals in")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="storm-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=options.folder is None)
        counts = rage(
            folder.absolute(),
            kills=options.kills,
            seed=options.seed,
            trials=options.trials,
            engine=options.engine,
            tell=lambda line: say(line, sys.stderr),
        )
    say(f"{counts.table()}\n\n{time.monotonic() - began:.0f} s\n{counts.details()}".rstrip(), sys.stdout)
    return 1 if counts.details() else 0


if __name__ == "__main__":
    sys.exit(main())
