"""Following a study: snapshots from a stream, and nothing that goes wrong in the thread is lost."""

from __future__ import annotations

import pytest
from tuner_protos.v1 import data_pb2 as pb
from tuner_protos.v1 import studies_pb2, trials_pb2

from tuner.cli.follow import FEW, Follower
from tuner.cli.view import LineDisplay, follow
from tuner.core.errors import NotFound


class ScriptedClient:
    """Stands in for a client: answers from lists, and counts what it is asked (no server is needed for this)."""

    def __init__(self, *responses) -> None:
        self.responses = responses
        self.fetched = []
        self.closed = False

    def watch(self, study):
        for response in self.responses:
            if isinstance(response, Exception):
                raise response
            yield response

    def trial(self, name):
        self.fetched.append(name)
        return pb.Trial(id=name, number=int(name.rpartition("/")[2]), state=pb.TRIAL_STATE_COMPLETED)

    def trials(self, study):
        self.fetched.append("all")
        return [pb.Trial(id=f"{study}/{number}", number=number) for number in range(1, FEW + 2)]

    def optimal(self, study):
        return [trials_pb2.Optimal(environment="e")]

    def close(self):
        self.closed = True


def response(*trials, at=100.0, notes=()):
    events = [pb.Event(sequence=n, kind="trial.state", trial=n, at=at, data_json='{"to": "completed"}') for n in trials]
    return studies_pb2.WatchResponse(events=events, study=pb.Study(id="x/1", notes=notes))


def test_only_what_changed_is_fetched_and_much_of_it_at_once():
    client = ScriptedClient(response(1, 2), response(), response(*range(1, FEW + 2)))
    with Follower(client, "x") as follower:
        first, second, third = (follower.next(30) for _ in range(3))
        with pytest.raises(EOFError):
            follower.next(30)
    assert client.closed
    assert client.fetched == ["x/1/1", "x/1/2", "all"]
    assert (set(first.snapshot.trials), set(second.snapshot.trials)) == ({1, 2}, {1, 2})
    assert len(third.snapshot.trials) == FEW + 1


@pytest.mark.parametrize("error", [NotFound("no such study"), RuntimeError("a mistake of ours")])
def test_what_goes_wrong_in_the_thread_is_raised_where_somebody_looks(error):
    with Follower(ScriptedClient(error), "x") as follower, pytest.raises(type(error), match=str(error)):
        follower.next(30)


def test_following_ends_with_the_study_or_when_it_is_time_to_stop(capsys):
    snapshot = follow(ScriptedClient(response(1, notes=["waits"])), "x", LineDisplay(), stopped=lambda: False)
    assert snapshot.study.id == "x/1"
    assert "trial 1" in capsys.readouterr().out
    assert follow(ScriptedClient(response(1)), "x", LineDisplay(), stopped=lambda: True) is None


def test_lines_tell_of_what_is_new_and_of_each_note_once(capsys):
    responses = (response(1, at=99.0, notes=["waits"]), response(2, at=101.0, notes=["waits"]))
    follow(ScriptedClient(*responses), "x", LineDisplay(since=100.0), stopped=lambda: False)
    told = capsys.readouterr().out
    assert "trial 1" not in told
    assert "trial 2" in told
    assert told.count("! waits") == 1


def test_what_a_check_raises_ends_the_following():
    def check(snapshot):
        raise RuntimeError("the worker has ended")

    client = ScriptedClient(response(1))
    with pytest.raises(RuntimeError, match="has ended"):
        follow(client, "x", LineDisplay(), stopped=lambda: False, check=check)
    assert client.closed
