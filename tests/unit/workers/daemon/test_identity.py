"""Identity and lease numbers outlive the process."""

import pytest
from tuner_workers.durable import write_durably
from tuner_workers.identity import LeaseCounter, worker_id


def test_an_identity_is_chosen_once(tmp_path):
    path = tmp_path / "worker_id"
    chosen = worker_id(path)
    assert len(chosen) == 32
    assert worker_id(path) == chosen
    assert worker_id(tmp_path / "other") != chosen


def test_an_empty_file_is_no_identity(tmp_path, caplog):
    path = tmp_path / "worker_id"
    path.touch()
    assert worker_id(path)
    assert "takes a new identity" in caplog.text


def test_numbers_rise_across_lives(tmp_path):
    path = tmp_path / "counter"
    assert [LeaseCounter(path).next() for _ in range(3)] == [1, 2, 3]


def test_a_damaged_counter_starts_anew_and_says_so(tmp_path, caplog):
    path = tmp_path / "counter"
    path.write_bytes(b"1e9")
    assert LeaseCounter(path).next() == 1
    assert "is damaged" in caplog.text


def test_a_number_that_cannot_be_kept_is_not_given_out(tmp_path):
    counter = LeaseCounter(tmp_path / "gone" / "counter")
    with pytest.raises(FileNotFoundError):
        counter.next()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    write_durably(path, b"old")
    path.unlink()
    path.mkdir()  # nothing can be renamed over it
    with pytest.raises(OSError, match="directory"):
        write_durably(path, b"new")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
