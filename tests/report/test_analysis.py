"""The document of results: its schema, its golden recordings, its honest gaps."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.rep import Rep
from gluteemg.catalogue import load_exercise
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.recording.file import Recorder, Recording
from gluteemg.recording.importing import import_csv
from gluteemg.report.analysis import REP_UNCERTAINTY, analyse, summarise
from gluteemg.report.document import Analysis
from gluteemg.sensors.source import Event, Item, Packet

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
BRIDGE = load_exercise("bridge")


def rep(ln_ratio: float | None, *reasons: str, in_zone: bool | None = True) -> Rep:
    scored = ln_ratio is not None
    return Rep(0, 2, {}, ln_ratio, None, True, scored, in_zone if scored else None, scored or None, reasons)


def altered(path: Path, change: Callable[[Sequence[Item]], Sequence[Item]]) -> Recording:
    """A golden recording with other items."""
    golden = Recording.open(ROOT / "recordings" / "bridge_glute_led.emg")
    with Recorder(path, golden.profiles, golden.placements) as recorder:
        recorder.put(change([item for items in golden.items() for item in items]))
    return Recording.open(path)


def calibration_of(*muscles: str) -> Calibration:
    levels = tuple(Level(role=f"{m}:left", floor=2.5, reference=80.0) for m in muscles)
    return Calibration(method="mvic", floor_method="rest", levels=levels)


def without_calibration(items: Sequence[Item]) -> Sequence[Item]:
    return [i for i in items if isinstance(i, Packet)]


def test_the_schema_in_docs_is_that_of_the_document() -> None:
    schema = json.loads((ROOT / "docs" / "analysis.schema.json").read_text(encoding="utf-8"))
    assert schema == Analysis.model_json_schema(), "remake it: python scripts/make_schema.py"


@pytest.mark.parametrize(
    ("name", "reps", "scored", "share", "led_by"),
    [
        ("bridge_hamstring_led", 6, 6, 0.305, "hamstrings"),
        ("bridge_glute_led", 6, 6, 0.705, "glutes"),
        ("bridge_sensor_lost", 6, 4, 0.505, "shared"),
    ],
)
def test_the_golden_recordings_come_out_as_they_did(name: str, reps: int, scored: int, share: float, led_by: str) -> None:
    analysis = analyse(Recording.open(ROOT / "recordings" / f"{name}.emg"), BRIDGE)
    assert (analysis.summary.reps, analysis.summary.scored) == (reps, scored)
    assert analysis.summary.share == pytest.approx(share, abs=0.015)
    assert {r.led_by for r in analysis.reps if r.scored} == {led_by}
    low, middle, high = analysis.summary.share_low, analysis.summary.share, analysis.summary.share_high
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low < middle < high
    assert Analysis.model_validate_json(analysis.model_dump_json()) == analysis


def test_every_golden_recording_stands_in_the_manifest() -> None:
    import tomllib

    manifest = tomllib.loads((ROOT / "recordings" / "manifest.toml").read_text(encoding="utf-8"))
    assert {f.stem for f in (ROOT / "recordings").glob("*.emg")} == set(manifest)
    assert all(entry["origin"] and entry["licence"] and entry["shows"] for entry in manifest.values())


def test_repetitions_with_a_lost_sensor_are_counted_and_not_scored() -> None:
    analysis = analyse(Recording.open(ROOT / "recordings" / "bridge_sensor_lost.emg"), BRIDGE)
    assert [r.reasons for r in analysis.reps if not r.scored] == [("signal_lost",)] * 2
    assert all(r.counted and r.share is None for r in analysis.reps if not r.scored)


def test_the_range_of_the_share_widens_with_scatter_and_one_rep_claims_little() -> None:
    one = summarise([rep(0.0)], "%REF")
    assert one.share == 0.5
    assert one.share_high == pytest.approx(1 / (1 + np.exp(-REP_UNCERTAINTY)), abs=1e-4)
    narrow, wide = summarise([rep(0.0)] * 8, "%REF"), summarise([rep(-0.5), rep(0.5)] * 4, "%REF")
    assert narrow.share_high is not None
    assert wide.share_high is not None
    assert narrow.share_high < wide.share_high


def test_a_session_without_a_score_says_why() -> None:
    assert summarise([], "%REF").why_no_share == "no_reps"
    assert summarise([], None).why_no_share == "no_reference"
    assert summarise([], "%REF", why_no_ratio="no_pair").why_no_share == "no_pair"
    assert summarise([rep(None, "signal_lost")], "%REF").why_no_share == "signal_lost"


def test_another_calibration_holds_from_where_the_recorded_one_was_taken() -> None:
    """So that what was done for the references is not taken for repetitions."""
    recording = Recording.open(ROOT / "recordings" / "bridge_glute_led.emg")
    own = analyse(recording, BRIDGE)
    assert analyse(recording, BRIDGE, Calibration.from_json(recording.told("calibration")[-1])) == own
    other = analyse(recording, BRIDGE, calibration_of("gluteus_maximus", "gluteus_medius", "hamstrings"))
    assert other.summary.unit == "%MVIC"
    assert other.summary.reps == own.summary.reps
    assert other.reps[0].start_s == pytest.approx(own.reps[0].start_s, abs=0.2)


def test_another_calibration_holds_from_the_start_where_none_was_recorded(tmp_path: Path) -> None:
    recording = altered(tmp_path / "none.emg", without_calibration)
    analysis = analyse(recording, BRIDGE, calibration_of("gluteus_maximus", "hamstrings"))
    assert analysis.summary.share is not None
    assert analysis.summary.reps > 6


def test_a_broken_calibration_in_a_recording_is_told_and_can_be_replaced(tmp_path: Path) -> None:
    def spoil(items: Sequence[Item]) -> Sequence[Item]:
        return [Event(i.kind, {"levels": []}) if isinstance(i, Event) else i for i in items]

    recording = altered(tmp_path / "broken.emg", spoil)
    with pytest.raises(DefinitionError, match="calibration in the recording is broken"):
        analyse(recording, BRIDGE)
    assert analyse(recording, BRIDGE, calibration_of("gluteus_maximus", "hamstrings")).summary.scored > 0


@pytest.mark.parametrize(("known", "counts"), [("hamstrings", True), ("erector_spinae", False)])
def test_without_a_reference_of_what_the_ratio_needs_it_says_so(known: str, counts: bool) -> None:
    recording = Recording.open(ROOT / "recordings" / "bridge_glute_led.emg")
    analysis = analyse(recording, BRIDGE, calibration_of(known))
    assert (analysis.summary.reps > 0) is counts
    assert analysis.summary.scored == 0
    assert analysis.summary.why_no_share == "no_reference"


def test_against_a_task_levels_are_told_and_nothing_is_compared() -> None:
    task = calibration_of("gluteus_maximus", "hamstrings").model_copy(update={"method": "task"})
    analysis = analyse(Recording.open(ROOT / "recordings" / "bridge_glute_led.emg"), BRIDGE, task)
    assert analysis.summary.reps > 0
    assert (analysis.summary.unit, analysis.summary.share, analysis.summary.why_no_share) == ("%TASK", None, "task_reference")
    for rep in analysis.reps:
        assert None not in [rep.activation[f"{muscle}:left"] for muscle in ("gluteus_maximus", "hamstrings")]
        assert (rep.ratio, rep.sides, rep.symmetry_index, rep.over_floor) == (None, {}, None, None)


def test_before_its_first_sample_a_sensor_is_not_lost(tmp_path: Path) -> None:
    def late(items: Sequence[Item]) -> Sequence[Item]:
        first = next(i.t_ns for i in items if isinstance(i, Packet))
        return [i for i in items if not isinstance(i, Packet) or i.sensor != "uMyo-GD" or i.t_ns > first + 8_000_000_000]

    def never(items: Sequence[Item]) -> Sequence[Item]:
        return [i for i in items if not isinstance(i, Packet) or i.sensor != "uMyo-GD"]

    for change, said in ((late, ("good", ())), (never, ("lost", ("absent",)))):
        medius = analyse(altered(tmp_path / f"{change.__name__}.emg", change), BRIDGE).muscles[1]
        assert (medius.quality, medius.reasons) == said


@pytest.mark.parametrize(("every", "said"), [(1000, ("good", ())), (50, ("adjust", ("unreadable_packets",)))])
def test_packets_that_cannot_be_read_are_told(tmp_path: Path, every: int, said: tuple[str, tuple[str, ...]]) -> None:
    def with_others(items: Sequence[Item]) -> Sequence[Item]:
        others = [
            [i._replace(data=b"?")] if isinstance(i, Packet) and i.data and not k % every else [] for k, i in enumerate(items)
        ]
        return [i for item, other in zip(items, others, strict=True) for i in (item, *other)]

    analysis = analyse(altered(tmp_path / "others.emg", with_others), BRIDGE)
    assert {(m.quality, m.reasons) for m in analysis.muscles} == {said}


@pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real recordings is not here")
def test_walking_shows_seven_bursts_of_gluteus_medius_at_the_touch_downs(tmp_path: Path) -> None:
    roles = {f"{m}_uV": Role(m, "right") for m in ("gluteus_medius", "gluteus_maximus", "semitendinosus", "biceps_femoris")}
    import_csv(DATA / "gait_glutes_hamstrings.csv", tmp_path / "gait.emg", roles)
    analysis = analyse(Recording.open(tmp_path / "gait.emg"), BRIDGE)
    medius = next(m for m in analysis.muscles if m.muscle == "gluteus_medius")
    events = (DATA / "gait_glutes_hamstrings_events.csv").read_text().splitlines()[1:]
    touch_downs = [float(line.split(",")[0]) for line in events if line.endswith("touch_down")]
    starts = np.array([b.on_s for b in medius.bursts])
    assert len(starts) == 7
    assert len(touch_downs) == 6
    assert all(np.abs(starts - t).min() <= 0.150 for t in touch_downs)
    assert all(r.share is None and not r.scored for r in analysis.reps)
    assert medius.reference is None
    assert medius.floor_method == "estimated"


@pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real recordings is not here")
def test_three_hamstring_curls_are_three_repetitions_without_a_share(tmp_path: Path) -> None:
    roles = {f"{m}_mV": Role(m, "left") for m in ("biceps_femoris", "semitendinosus")}
    import_csv(DATA / "knee_flexion_standing.csv", tmp_path / "curls.emg", roles)
    analysis = analyse(Recording.open(tmp_path / "curls.emg"), BRIDGE)
    assert sum(r.counted for r in analysis.reps) == 3
    assert analysis.summary.why_no_share == "no_pair"
