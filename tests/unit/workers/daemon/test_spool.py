"""What was measured stays on disk until it is acknowledged."""

import os

import pytest
import tuner_workers.spool as spool_module
from tuner_protos.v1 import data_pb2
from tuner_protos.v1 import workers_pb2 as pb
from tuner_workers.spool import Spool


def request(token, cost=1.0):
    result = data_pb2.Result(state=data_pb2.TRIAL_STATE_COMPLETED, cost=cost)
    return pb.FinishRequest(worker_id="w", token=token, result=result)


def full_disk(path, content):
    raise OSError(28, "No space left on device", str(path))


def test_another_life_finds_what_this_one_kept(tmp_path):
    for token in ("a", "b", "ü/../c"):
        Spool(tmp_path).add(request(token))
    again = Spool(tmp_path)
    assert {entry.request.token for entry in again.pending()} == {"a", "b", "ü/../c"}
    for entry in again.pending():
        again.acknowledged(entry)
    assert list(tmp_path.iterdir()) == []


def test_oldest_first(tmp_path):
    spool = Spool(tmp_path)
    for age, token in enumerate(("new", "middle", "old")):
        entry = spool.add(request(token))
        os.utime(entry.path, ns=(0, 10**18 - age))
    assert [entry.request.token for entry in spool.pending()] == ["old", "middle", "new"]


def test_one_file_for_an_attempt(tmp_path):
    spool = Spool(tmp_path)
    spool.add(request("a", cost=1.0))
    spool.add(request("a", cost=2.0))
    assert [entry.request.result.cost for entry in spool.pending()] == [2.0]


def test_the_token_is_not_in_the_name_and_the_file_is_the_owners(tmp_path):
    entry = Spool(tmp_path).add(request("s3cret"))
    assert "s3cret" not in entry.path.name
    assert entry.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_set_aside_not_lost(tmp_path, caplog, damage):
    spool = Spool(tmp_path)
    good, bad = spool.add(request("good")), spool.add(request("bad"))
    content = bytearray(bad.path.read_bytes())
    content[-1] ^= 1
    bad.path.write_bytes(bytes(content) if damage is None else damage)
    assert [entry.request.token for entry in spool.pending()] == ["good"]
    assert "is set aside: it is damaged" in caplog.text
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".bad", ".result"]
    assert good.path.exists()


def test_what_a_crash_left_half_written_is_no_result(tmp_path):
    (tmp_path / "x.result.new").write_bytes(b"half")
    assert Spool(tmp_path).pending() == []
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_the_result_is_kept_in_memory_and_that_is_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(spool_module, "write_durably", full_disk)
    spool = Spool(tmp_path)
    spool.add(request("a"))
    assert "cannot be spooled" in caplog.text
    (entry,) = spool.pending()
    assert entry.request.token == "a"
    spool.acknowledged(entry)
    assert spool.pending() == []


def test_what_can_never_be_handed_in_is_kept_under_another_name(tmp_path, caplog):
    spool = Spool(tmp_path)
    spool.set_aside(spool.add(request("a")), "the tuner does not want it")
    assert spool.pending() == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".bad"]
    assert "the tuner does not want it" in caplog.text
