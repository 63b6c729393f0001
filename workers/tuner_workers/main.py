"""Starting a worker on this device, and ending it."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.core.clock import SteadyClock
from tuner.core.errors import InvalidInput, TunerError
from tuner_workers import inventory
from tuner_workers.daemon import Daemon, Self
from tuner_workers.departure import Departure, departures
from tuner_workers.identity import LeaseCounter, worker_id
from tuner_workers.journal import Journal
from tuner_workers.knobs.registry import knobs as registered_knobs
from tuner_workers.link import Link, Server
from tuner_workers.lock import DeviceLock
from tuner_workers.measurement.bench import Device
from tuner_workers.meters.registry import meters as device_meters
from tuner_workers.paths import StateDirectory
from tuner_workers.policy import Policy
from tuner_workers.recovery import recover
from tuner_workers.spool import Spool
from tuner_workers.workloads.registry import offers

_log = logging.getLogger(__name__)


def run_worker(
    server: str,
    *,
    policy: Policy,
    state_directory: Path,
    name: str,
    token: str | None = None,
    root_certificates: Path | None = None,
    until_stdin_closes: bool = False,
    log: Callable[[str], None],
    device_lock: Path | None = None,
) -> int:
    """Run a worker until SIGTERM, SIGINT, or the server's word; from the main thread.

    Args:
        server: "HOST:PORT".
        policy: what this device allows.
        state_directory: where identity, journal, spool and artifacts are; one worker uses it at a time.
        name: what people call this worker.
        token: bearer token of the server.
        root_certificates: PEM file of the authorities to trust; giving one turns TLS on.
        until_stdin_closes: leave as well when standard input is closed, as it is when a parent dies.
        log: takes one line for each event.
        device_lock: the lock file that says whose the device is; None is the one for the whole machine. Another one is
            for workers that have parts of a machine to themselves.

    Returns:
        Exit code: 0 when it was asked to leave, 2 for wrong input, 1 for everything else that keeps it from working.
    """
    with _logging_to(log):
        try:
            endpoint = Server(server, token, root_certificates)
            state = StateDirectory(state_directory)
            with (
                departures(until_stdin_closes=until_stdin_closes) as departure,
                DeviceLock(device_lock),
                DeviceLock(state.lock),
            ):
                _work(endpoint, policy, state, name, departure)
        except InvalidInput as error:
            _log.error("%s", error)
            return 2
        except (TunerError, OSError) as error:
            _log.error("%s: %s", type(error).__name__, error)
            return 1
    return 0


def _work(server: Server, policy: Policy, state: StateDirectory, name: str, departure: Departure) -> None:
    knobs = registered_knobs()
    journal = Journal(state.journal)
    recovery = recover(journal, knobs)
    for what, undone in (
        ("restored", recovery.restored),
        ("ended the left-over processes", recovery.killed),
        ("removed", recovery.removed),
    ):
        if undone:
            _log.warning("after an earlier life of this worker: %s %s", what, ", ".join(map(str, undone)))
    for leftover in state.scratch.iterdir():
        shutil.rmtree(leftover, ignore_errors=True)

    meters = device_meters(policy)
    found = inventory.take(policy, knobs, meters, {offer.name: offer for offer in offers(policy)})
    usable = {offer.name for offer in found.meters if offer.available}
    device = Device(
        policy,
        knobs,
        {name: meter for name, meter in meters.items() if name in usable},
        journal,
        state.artifacts,
        state.scratch,
    )
    identity = worker_id(state.worker_id)
    link = Link(server, identity)
    try:
        daemon = Daemon(
            Self(identity, name, found),
            device,
            link,
            Spool(state.spool),
            LeaseCounter(state.path / "lease_counter"),
            SteadyClock(),
            random.Random(),
            broken="; ".join(recovery.broken),
        )
        departure.listen(daemon.leave)
        _log.info("worker %s, device: %s, server: %s", name, found.fingerprint.describe(), server.address)
        daemon.run()
    finally:
        link.close()


class _Lines(logging.Handler):
    """Hands each record, formatted, to a function."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over; what goes wrong in that is ``logging``'s to report."""
        try:
            self._take(self.format(record))
        except Exception:
            self.handleError(record)


@contextmanager
def _logging_to(take: Callable[[str], None]) -> Iterator[None]:
    handler = _Lines(take)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("tuner_workers")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
