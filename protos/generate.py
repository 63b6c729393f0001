"""Generate the protocol code from the .proto files, or verify that what is committed is what would be generated."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
SOURCES = sorted(ROOT.glob("tuner_protos/v1/*.proto"))


def generate(target: Path) -> None:
    """Write the generated code below ``target``.

    The file's path below the root decides the import name, so the root is ``protos/``.
    """
    arguments = [f"--proto_path={ROOT}", *(f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python"))]
    status = protoc.main(["protoc", *arguments, *map(str, SOURCES)])
    if status:
        sys.exit(f"protoc ended with {status}")


def stale() -> list[str]:
    """Committed files that differ from what would be generated."""
    with tempfile.TemporaryDirectory() as directory:
        generate(Path(directory))
        fresh = {path.relative_to(directory): path.read_bytes() for path in Path(directory).rglob("*_pb2*")}
    committed = {path.relative_to(ROOT): path.read_bytes() for path in ROOT.rglob("*_pb2*.py*") if path.is_file()}
    committed = {path: text for path, text in committed.items() if "__pycache__" not in path.parts}
    return sorted(str(path) for path in fresh.keys() | committed.keys() if fresh.get(path) != committed.get(path))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="change nothing; fail when something is stale")
    if not parser.parse_args().verify:
        generate(ROOT)
    elif found := stale():
        sys.exit("stale, run `make protos`: " + ", ".join(found))


if __name__ == "__main__":
    main()
