"""A study file that came with a request: read, judged, and what is wrong with it given its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tuner.core.errors import InvalidInput
from tuner.core.study import StudySpec
from tuner.service.operations.engines import check_engine
from tuner.spec.place import place
from tuner.spec.yaml import parse_study


async def read_study_file(source: str, file_name: str) -> StudySpec:
    """The study of a file, also as its engine sees it.

    It is read beside the event loop: a megabyte of it takes seconds, in which no heartbeat would be heard; so does the
    import of an engine.

    Raises:
        InvalidInput: with every problem of the file and its line; or what the engine refuses.
    """
    spec = await asyncio.to_thread(parse_study, source, _called(file_name))
    async with placed(source, file_name):
        await asyncio.to_thread(check_engine, spec)
    return spec


@asynccontextmanager
async def placed(source: str, file_name: str) -> AsyncIterator[None]:
    """Give what is found wrong with a file that could be read its place there."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(await asyncio.to_thread(place, error.problems, source, _called(file_name))) from error


def _called(file_name: str) -> str:
    """What messages call the file: as the caller does, without what could harm the caller's terminal."""
    return "".join(c for c in file_name if c.isprintable())[:200] or "study.yaml"
