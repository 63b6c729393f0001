"""The engine host: a process of its own in which engines think, so that neither waits for the other.

It runs at idle priority: on a machine that also measures, a Gaussian process must not disturb what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait

from tuner.core.errors import SpaceExhausted, TunerError, Unavailable, WrongState
from tuner.core.space import Configuration
from tuner.engine.base import Prediction, Predictor, Suggestion, SuggestRequest

Answer = list[Suggestion] | list[dict[str, Prediction]] | Exception

LONGEST = 600.0
"""Seconds after which an engine is taken to hang: its process is ended, so that others can think again. Generous,
because at idle priority, beside a workload that leaves no core idle, an honest fit can take minutes."""


class EngineHost:
    """Sends requests to the engine process, one at a time, and starts it again when it has died."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        # One thread: requests queue up here, and the event loop stays free.
        self._thread = ThreadPoolExecutor(1, "engine-host")
        self._lock = threading.Lock()
        self._closed = False

    async def suggest(self, engine: str, request: SuggestRequest) -> list[Suggestion]:
        """What the engine called ``engine`` proposes.

        Raises:
            SpaceExhausted: the engine says that nothing is left.
            Unavailable: the engine failed, or its process died.
        """
        answer = await self._ask(("suggest", engine, request, ()))
        return [item for item in answer if isinstance(item, Suggestion)]

    async def predict(
        self, engine: str, request: SuggestRequest, configurations: tuple[Configuration, ...]
    ) -> list[dict[str, Prediction]]:
        """What the engine expects of configurations.

        Raises:
            WrongState: the engine has no model, or too little has been measured to predict from.
            Unavailable: the engine failed, or its process died.
        """
        answer = await self._ask(("predict", engine, request, configurations))
        return [item for item in answer if isinstance(item, dict)]

    async def _ask(self, message: tuple[str, str, SuggestRequest, tuple[Configuration, ...]]) -> list[object]:
        answer = await asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, message)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def _exchange(self, message: object) -> Answer:
        try:
            connection = self._connected()
            connection.send(message)
            if not connection.poll(LONGEST):
                raise TimeoutError(f"no answer within {LONGEST:g} s")
            answer: Answer = connection.recv()
            return answer
        except (EOFError, OSError) as error:
            self._end()
            return Unavailable(f"the engine's process ended ({error or 'killed'}); it is started again")
        except Exception as error:  # What an engine answers is other people's: it may not even be readable here.
            self._end()
            return Unavailable(f"the engine's answer cannot be read ({type(error).__name__}: {error})")

    def _connected(self) -> Connection:
        with self._lock:
            if self._closed:
                raise OSError("the server is stopping")
            if self._process is not None and self._process.is_alive() and self._connection is not None:
                return self._connection
            ours, theirs = self._context.Pipe()
            self._process = self._context.Process(target=_serve, args=(theirs,), name="tuner-engine", daemon=True)
            self._process.start()
            theirs.close()
            self._connection = ours
            return ours

    @property
    def pid(self) -> int | None:
        """The engine process, if it has been started."""
        return self._process.pid if self._process is not None else None

    def _end(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None

    def close(self) -> None:
        """End the engine process, whatever it is doing."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        self._thread.shutdown(wait=True)
        self._end()


def _serve(connection: Connection) -> None:
    """Answer requests until the server is gone. A terminal's Ctrl-C is the server's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _leave_with_parent()
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    while True:
        try:
            connection.send(think(*connection.recv()))
        except (EOFError, OSError):  # a server that was killed may leave the pipe closed, or reset
            return


def _leave_with_parent() -> None:
    """A server that was killed closes nothing, and a long fit would go on without it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def think(verb: str, name: str, request: SuggestRequest, configurations: tuple[Configuration, ...]) -> Answer:
    """What the engine called ``name`` answers to "suggest" or "predict", or the error to be raised where it is awaited;
    checked, because an engine is other people's code."""
    from tuner.engine.registry import get_engine

    try:
        engine = get_engine(name)
        if verb == "suggest":
            return _checked(engine.suggest(request), request)
        if not isinstance(engine, Predictor):
            return WrongState(f"engine {name!r} has no model that could predict")
        return [dict(prediction) for prediction in engine.predict(request, configurations)]
    except SpaceExhausted as error:
        return SpaceExhausted(str(error))
    except WrongState as error:
        return WrongState(str(error)) if verb == "predict" else Unavailable(f"engine {name!r}: {error}")
    except TunerError as error:
        return Unavailable(f"engine {name!r}: {error}")
    except Exception as error:  # An engine is other people's code: whatever it raises must not end the host.
        return Unavailable(f"engine {name!r} failed: {type(error).__name__}: {error}")


def _checked(suggestions: list[Suggestion], request: SuggestRequest) -> list[Suggestion]:
    """What an engine suggests, if it can be measured and stored.

    Raises:
        InvalidInput: a configuration is none of the space.
        Unavailable: there is no suggestion, or a prediction is not finite.
    """
    if not suggestions:
        raise Unavailable("it suggested nothing")
    checked = []
    for suggestion in suggestions:
        predicted = {key: (float(mean), float(spread)) for key, (mean, spread) in suggestion.predicted.items()}
        if not all(math.isfinite(number) for pair in predicted.values() for number in pair):
            raise Unavailable(f"it predicted {predicted}")
        configuration = request.space.configuration(suggestion.configuration, source="suggestion")
        checked.append(Suggestion(configuration, str(suggestion.note), predicted))
    return checked
