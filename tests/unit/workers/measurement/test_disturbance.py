"""What else the device did: judged from counters, and read from a real process and from made-up files."""

import os
from dataclasses import replace

import pytest
from tuner_workers.measurement.disturbance import Sample, disturbances, sample

CALM = Sample(used=10.0, own=5.0, cores=4)


@pytest.mark.parametrize(
    ("after", "flags"),
    [
        (replace(CALM, used=14.0, own=9.0), ()),
        (replace(CALM, used=14.3, own=9.0), ()),
        (replace(CALM, used=14.6, own=9.0), ("busy",)),
        (replace(CALM, used=99.0, own=None), ()),  # it has ended: nothing is known, nothing is claimed
        (replace(CALM, swapped=1), ("swapped",)),
        (replace(CALM, throttled=2), ("throttled",)),
        (replace(CALM, used=20.0, swapped=1, throttled=1), ("busy", "swapped", "throttled")),
    ],
)
def test_flags_of_a_run_of_one_second(after, flags):
    assert disturbances(CALM, after, 1.0) == flags


def test_a_run_too_short_for_the_ticks_says_nothing_of_others():
    assert disturbances(CALM, replace(CALM, used=11.0), 0.05) == ()


def test_counters_of_this_process_and_of_a_made_up_device(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 7\npswpin 3\npswpout 4\npswpinx 9\n")
    heat = tmp_path / "sys/devices/system/cpu/cpu0/thermal_throttle"
    heat.mkdir(parents=True)
    (heat / "core_throttle_count").write_text("5\n")
    seen = sample(os.getpid(), tmp_path)
    assert (seen.swapped, seen.throttled) == (7, 5)
    assert seen.cores >= 1
    assert seen.own is not None
    assert seen.own >= 0
    assert sample(os.getpid()).used >= seen.used


def test_a_process_that_is_gone_has_no_share():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert sample(pid).own is None
