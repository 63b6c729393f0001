"""``python -m tuner_workers``: a worker without the rest of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tuner.core.errors import InvalidInput
from tuner_workers.identity import default_name
from tuner_workers.main import run_worker
from tuner_workers.paths import default_state_directory
from tuner_workers.policy import Policy


def main() -> int:
    """Read the arguments and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tuner_workers", description="Run a worker on this device.")
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="what this device allows; default: very little")
    parser.add_argument("--state-directory", type=Path, default=default_state_directory(), metavar="DIRECTORY")
    parser.add_argument("--name", default=default_name())
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the server's bearer token")
    parser.add_argument("--root-certificates", type=Path, metavar="FILE", help="PEM; turns TLS on")
    parser.add_argument("--device-lock", type=Path, metavar="FILE", help="default: one worker for the whole machine")
    parser.add_argument("--until-stdin-closes", action="store_true", help="leave when standard input is closed")
    options = parser.parse_args()
    try:
        policy = Policy.load(options.policy) if options.policy else Policy.cautious()
        token = options.token_file.read_text().strip() if options.token_file else None
    except (InvalidInput, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return run_worker(
        options.server,
        policy=policy,
        state_directory=options.state_directory,
        name=options.name,
        token=token,
        root_certificates=options.root_certificates,
        until_stdin_closes=options.until_stdin_closes,
        log=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201
        device_lock=options.device_lock,
    )


if __name__ == "__main__":
    sys.exit(main())
