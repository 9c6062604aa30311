"""The comparison with other programs: its own sums are right, and what it compares with never becomes a dependency."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# By name: their functions import peers, which are not in this environment and have no types.
accuracy = import_module("benchmarks.comparison.accuracy")
correctness = import_module("benchmarks.comparison.correctness")
ours = import_module("benchmarks.comparison.ours")
peers = import_module("benchmarks.peers")
signals = import_module("benchmarks.comparison.signals")


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "benchmarks" / "peers.lock").read_text("utf-8")


def requirements(text: str) -> list[Requirement]:
    return [Requirement(line.split("#")[0]) for line in text.splitlines() if line.split("#")[0].strip()]


def test_the_lock_of_the_peers_holds_no_address_and_every_hash(lock: str) -> None:
    assert "://" not in lock
    assert not re.search(r"^-", lock, flags=re.MULTILINE), "an option such as --index-url"
    entries = peers.entries(lock)
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "".join(entries) == "".join(line for line in lock.splitlines(keepends=True) if not line.startswith("#"))


def test_every_peer_is_locked(root: Path, lock: str) -> None:
    locked = {canonicalize_name(entry.split("==")[0]) for entry in peers.entries(lock)}
    wanted = requirements((root / "benchmarks" / "peers.in").read_text("utf-8"))
    assert wanted
    assert {canonicalize_name(requirement.name) for requirement in wanted} <= locked


def test_no_peer_is_a_dependency_of_gluteemg(pyproject: dict[str, Any]) -> None:
    lists = [pyproject["project"]["dependencies"], *pyproject["project"]["optional-dependencies"].values()]
    ours_too = {canonicalize_name(Requirement(line).name) for lines in lists for line in lines}
    assert ours_too.isdisjoint({"biosppy", "brainflow", "mne", "mne-lsl", "neurokit2", "pyemgpipeline"})


def test_what_needs_no_peer_agrees_with_scipy_and_closed_forms() -> None:
    _, outcomes = correctness.measure(())
    compared = [outcome for outcome in outcomes if not outcome.check.needs]
    assert len(compared) >= 8
    assert {o.check.quantity: o.difference for o in compared if not o.holds} == {}


def test_a_peer_that_is_absent_leaves_its_row_empty() -> None:
    _, outcomes = correctness.measure(())
    assert {o.holds for o in outcomes if o.check.needs} == {None}


def test_every_true_onset_takes_the_nearest_detection_once() -> None:
    score = accuracy.score([[1.01, 1.05, 5.0], [2.1]], [[1.0, 2.0], [2.0]])
    assert (score.missed, score.false) == pytest.approx((1 / 3, 2 / 3))
    assert score.median_ms == pytest.approx(55)


def test_a_detector_that_finds_nothing_has_missed_all() -> None:
    score = accuracy.score([np.empty(0)], [np.array([1.0])])
    assert (score.missed, score.false) == (1, 0)
    assert np.isnan(score.median_ms)


def test_noise_like_emg_has_the_power_and_the_median_frequency_that_are_asked_for() -> None:
    noise = signals.like_emg(60_000, 2, 1000.0)
    assert noise.std(axis=0) == pytest.approx(1)
    power = np.abs(np.fft.rfft(noise[:, 0])) ** 2
    middle = int(np.searchsorted(np.cumsum(power), power.sum() / 2))
    assert np.fft.rfftfreq(60_000, 1e-3)[middle] == pytest.approx(90, abs=5)


def test_what_is_different_by_a_bit_is_counted() -> None:
    one = np.array([1.0, np.nan, 3.0])
    assert correctness.differing((one,), (one.copy(),)) == 0
    assert correctness.differing((one,), (np.nextafter(one, 9),)) == 2


def test_chunks_are_joined_to_what_they_were() -> None:
    emg = np.arange(10.0)[:, np.newaxis]
    (joined,) = ours.in_chunks(lambda chunk: (chunk,), emg, [3, 0, 4])
    assert (joined == emg).all()
