"""What is particular to each family of knobs, on fake trees: what no machine at hand has, or what it must not be put
through."""

from __future__ import annotations

import os
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from tuner_workers.knobs import registry
from tuner_workers.knobs.base import Domain, KnobRefused, Launch, Unavailable
from tuner_workers.knobs.cgroup import cgroup_knobs
from tuner_workers.knobs.cpufreq import cpufreq_knobs
from tuner_workers.knobs.environment import environment_knobs
from tuner_workers.knobs.process import CpusKnob, NiceKnob, expand
from tuner_workers.knobs.sysctl import HugePagesKnob, Setting, SysctlKnob
from tuner_workers.knobs.thp import thp_knobs

from tuner.core.errors import InvalidInput, NotFound

MEMINFO = "MemTotal:       16384000 kB\nMemFree:  1 kB\nHugepagesize:       2048 kB\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.endswith("\n") else text + "\n")
    return root


# Domains


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None, 0.5, -1, 10])
def test_an_int_domain_holds_whole_numbers_alone(value: object):
    assert value not in Domain("int", 0, 9)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), False, "1", None])
def test_a_float_domain_without_ends_holds_finite_numbers_alone(value: object):
    assert value not in Domain("float")


def test_one_and_true_are_different_values():
    assert 1 not in Domain("choice", values=(True,))
    assert True not in Domain("choice", values=(1,))
    assert 1 not in Domain("bool")


def test_values_are_spelt_as_the_domain_does():
    assert repr(Domain("int", 0, 9).spell(3.0)) == "3"
    assert repr(Domain("float", 0, 9).spell(3)) == "3.0"
    assert repr(Domain("choice", values=(1, True, "a")).spell(True)) == "True"


# sysctl


def test_a_file_that_holds_no_number_is_an_error(tmp_path: Path):
    knob = SysctlKnob(Setting("vm.x", 0, 1), write(tmp_path, {"proc/sys/vm/x": "1\t2"}))
    with pytest.raises(OSError, match="not a whole number"):
        knob.read()


def test_huge_pages_leave_half_of_the_memory(tmp_path: Path):
    root = write(tmp_path, {"proc/meminfo": MEMINFO, "proc/sys/vm/nr_hugepages": "0"})
    assert HugePagesKnob(root).probe() == Domain("int", 0, 4000, unit="pages")
    (root / "proc/meminfo").write_text("MemTotal: 1 kB\n")
    assert isinstance(HugePagesKnob(root).probe(), Unavailable)


# Transparent huge pages


def test_the_choice_in_force_is_in_brackets(tmp_path: Path):
    folder = "sys/kernel/mm/transparent_hugepage"
    root = write(tmp_path, {f"{folder}/enabled": "always [madvise] never", f"{folder}/defrag": "always never"})
    enabled, defrag = thp_knobs(root)
    assert enabled.probe() == Domain("choice", values=("always", "madvise", "never"))
    assert enabled.read() == "madvise"
    with pytest.raises(OSError, match="marks none"):
        defrag.read()


# CPU frequency


def policies(root: Path, *files: dict[str, str]) -> Path:
    folder = "sys/devices/system/cpu/cpufreq"
    for index, texts in enumerate(files):
        write(root, {f"{folder}/policy{index * 4}/{name}": text for name, text in texts.items()})
    return root


LITTLE = {"cpuinfo_min_freq": "400", "cpuinfo_max_freq": "1800", "scaling_min_freq": "400", "scaling_max_freq": "1800"}
BIG = {"cpuinfo_min_freq": "600", "cpuinfo_max_freq": "2400", "scaling_min_freq": "600", "scaling_max_freq": "2400"}


def test_unlike_clusters_share_a_range_and_get_back_each_its_own(tmp_path: Path):
    _, low, high = cpufreq_knobs(policies(tmp_path, LITTLE, BIG))
    assert high.probe() == Domain("int", 600, 1800, unit="kHz")
    assert (low.read(), high.read()) == (400, 2400)
    original = high.capture()
    high.apply(1000)
    assert high.verify(1000)
    assert not high.verify(2400)
    high.restore(original)
    assert high.capture() == original
    assert [path.read_text() for path in sorted(tmp_path.rglob("scaling_max_freq"))] == ["1800\n", "2400\n"]


def test_listed_steps_are_those_that_all_clusters_have(tmp_path: Path):
    steps = {"scaling_available_frequencies": "1800 1200 400 "}, {"scaling_available_frequencies": "600 1200 1800"}
    _, low, _ = cpufreq_knobs(policies(tmp_path, LITTLE | steps[0], BIG | steps[1]))
    assert low.probe() == Domain("choice", values=(1200, 1800), unit="kHz")


def test_clusters_that_share_nothing_offer_nothing(tmp_path: Path):
    fast = BIG | {"cpuinfo_min_freq": "2000"}
    governors = {"scaling_governor": "a", "scaling_available_governors": "a"}
    others = {"scaling_governor": "b", "scaling_available_governors": "b"}
    governor, low, _ = cpufreq_knobs(policies(tmp_path, LITTLE | governors, fast | others))
    assert low.probe() == Unavailable("the frequency policies share no range: 2000 > 1800 kHz")
    assert isinstance(governor.probe(), Unavailable)
    assert governor.read() == "a+b"


def test_without_a_driver_the_reason_says_so(tmp_path: Path):
    for knob in cpufreq_knobs(tmp_path):
        assert "no cpufreq driver" in getattr(knob.probe(), "reason", "")
        with pytest.raises(OSError, match="has no policies"):
            knob.read()


def test_a_value_that_the_driver_rounds_is_refused(tmp_path: Path):
    _, _, high = cpufreq_knobs(policies(tmp_path, BIG))
    target = next(tmp_path.rglob("scaling_max_freq"))
    target.unlink()
    target.symlink_to("/dev/null")
    with pytest.raises(KnobRefused, match=r"was given 1000 and now holds $"):
        high.apply(1000)


# Processes


def test_one_thread_of_every_core_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    siblings = {0: "0,4", 4: "0,4", 1: "1,5", 5: "1,5"}
    root = write(
        tmp_path, {f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": s for n, s in siblings.items()}
    )
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 4, 5})
    knob = CpusKnob(root)
    assert knob.order() == [0, 1, 4, 5]
    assert knob.probe() == Domain("int", 1, 4, unit="CPUs")
    launch = Launch()
    knob.shape(launch, 3)
    assert launch.affinity == {0, 1, 4}


@pytest.mark.parametrize(("text", "cpus"), [("0", [0]), ("0,4-6", [0, 4, 5, 6]), ("", []), ("2-3,8", [2, 3, 8])])
def test_lists_of_cpus(text: str, cpus: list[int]):
    assert expand(text) == cpus


def test_only_root_may_go_before_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getpriority", lambda which, who: 5)
    assert NiceKnob().probe() == Domain("int", 5, 19)
    launch = Launch()
    NiceKnob().shape(launch, 7)
    assert launch.niceness == 2


# Environment


@pytest.mark.parametrize(
    ("text", "value"), [(None, 0), ("", 0), ("4", 4), (" 4 ", 4), ("-1", -1), ("auto", "auto"), ("4,2", "4,2")]
)
def test_a_variable_is_read_as_what_it_amounts_to(text: str | None, value: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if text is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", text)
    arenas = next(knob for knob in environment_knobs() if knob.name == "env.MALLOC_ARENA_MAX")
    assert arenas.read() == value


# Control groups


def unified(root: Path, *, own: str = "/", enabled: str = "cpu memory") -> Path:
    group = f"cgroup2{own}".rstrip("/")
    return write(
        root,
        {
            "proc/self/mounts": "cgroup2 /cgroup2 cgroup2 rw 0 0",
            "proc/self/cgroup": f"0::{own}",
            "proc/meminfo": MEMINFO,
            "cgroup2/cgroup.controllers": "cpu io memory",
            "cgroup2/cgroup.subtree_control": enabled,
            f"{group}/cgroup.procs": "1",
            f"{group}/cgroup.subtree_control": enabled if own == "/" else "",
        },
    )


def test_version_2_puts_both_limits_on_one_group(tmp_path: Path):
    """Of a fake tree: files appear as they are written, and the group is a directory."""
    quota, memory = cgroup_knobs(unified(tmp_path))
    assert memory.probe() == Domain("int", 16, 16000, unit="MiB")
    launch = Launch()
    quota.shape(launch, 0.5)
    memory.shape(launch, 100)
    (group,) = map(Path, launch.cgroups)
    assert quota.created() == memory.created() == (str(group),)
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    assert (group / "cpu.max").read_text() == f"{50_000 * cpus} 100000\n"
    assert (group / "memory.max").read_text() == f"{100 * 2**20}\n"
    write(tmp_path, {"proc/77/cgroup": f"0::/{group.name}"})
    assert quota.read_child(77) == 0.5
    assert memory.read_child(77) == 100


def test_the_greatest_share_is_no_limit(tmp_path: Path):
    quota, _ = cgroup_knobs(unified(tmp_path))
    launch = Launch()
    quota.shape(launch, 1.0)
    assert (Path(launch.cgroups[0]) / "cpu.max").read_text() == "max 100000\n"


def test_what_bounds_the_worker_bounds_the_domain(tmp_path: Path):
    root = unified(tmp_path, own="/box/worker")
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    write(
        root,
        {
            "cgroup2/box/cgroup.subtree_control": "cpu memory",
            "cgroup2/box/cpu.max": f"{25_000 * cpus} 100000",
            "cgroup2/box/memory.max": str(512 * 2**20),
            "cgroup2/box/worker/cpu.max": "max 100000",
        },
    )
    quota, memory = cgroup_knobs(root)
    assert quota.probe() == Domain("float", 0.01, 0.25, unit="of all CPUs")
    assert memory.probe() == Domain("int", 16, 512, unit="MiB")
    # The worker's own group has processes, so the new one stands beside it.
    assert Path(quota.created()[0]).parent == root / "cgroup2/box"


def test_a_controller_that_is_not_given_on_is_explained(tmp_path: Path):
    quota, _ = cgroup_knobs(unified(tmp_path, enabled="memory"))
    probed = quota.probe()
    assert isinstance(probed, Unavailable)
    assert "write +cpu to its cgroup.subtree_control" in probed.reason
    assert quota.created() == ()
    with pytest.raises(KnobRefused, match=r"cgroup\.cpu_quota"):
        quota.shape(Launch(), 0.5)


def test_no_hierarchy_at_all_is_explained(tmp_path: Path):
    quota, _ = cgroup_knobs(write(tmp_path, {"proc/self/mounts": "proc /proc proc rw 0 0"}))
    assert quota.probe() == Unavailable("no mounted cgroup hierarchy has the cpu controller")
    with pytest.raises(OSError, match="no mounted cgroup hierarchy"):
        quota.read()


def test_in_a_container_the_path_of_the_host_is_not_there(tmp_path: Path):
    root = unified(tmp_path)
    (root / "proc/self/cgroup").write_text("0::/host/only/here\n")
    quota, _ = cgroup_knobs(root)
    assert Path(quota.created()[0]).parent == root / "cgroup2"


# Registry


def test_every_knob_is_named_once_and_found():
    assert registry.find("vm.swappiness").name == "vm.swappiness"
    with pytest.raises(NotFound, match=r"no knob is called 'vm\.swapiness'; there are .*vm\.swappiness"):
        registry.find("vm.swapiness")


@pytest.mark.parametrize(
    ("target", "problem"),
    [("tuner_workers.knobs.process:NiceKnob", "the name is taken"), ("builtins:dict", "it gives no knob")],
)
def test_a_third_party_cannot_bring_nonsense(target: str, problem: str, monkeypatch: pytest.MonkeyPatch):
    point = EntryPoint("theirs", target, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point]).select(group=group))
    with pytest.raises(InvalidInput, match=rf"entry point theirs of tuner\.knobs: {problem}"):
        registry.knobs()
