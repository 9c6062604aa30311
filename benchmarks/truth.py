"""How near to the truth the share, the ratio and the class of a repetition come, in simulated sessions.

Run ``.venv/bin/python -m benchmarks.truth`` (some minutes), or with ``--quick`` (under a minute; writes nothing). It prints,
and writes to ``docs/benchmarks/truth.md``. Every session goes the whole way: packets as a radio would deliver them, the
pipeline, a calibration that the calibrator takes from it, repetitions. Each is a function of its seed, and so is the page.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from benchmarks.simulated import PAUSE_S, pipeline_of, profile, session, trials
from numpy.typing import NDArray

from gluteemg.activation.ratio import GLUTES_LED, HAMSTRINGS_LED, share_of
from gluteemg.activation.rep import Rep
from gluteemg.activation.repetition import REST_S
from gluteemg.catalogue import load_exercise
from gluteemg.muscles import HAMSTRINGS, Role
from gluteemg.report.analysis import summarise
from gluteemg.report.document import Summary
from gluteemg.sensors.person import HEEL_DIG, REP_PERIOD_S, REST, SCENARIOS, SQUEEZE, Person, Step, TrueRep
from gluteemg.sensors.simulator import GAIN_UV, Conditions, SimulatedSensor

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks" / "truth.md"
WORN = {"G": Role("gluteus_maximus", "left"), "H": Role("hamstrings", "left")}
REPS = 6
"""Repetitions in a session (chosen: what differs from session to session, the reference, weighs more than their number)."""


@dataclass(frozen=True)
class Case:
    """How good the signal is. `snr_db` is that of each muscle at its reference, without the fat."""

    snr_db: float = 20.0
    fat_mm: float = 0.0
    crosstalk: float = 0.0
    loss: float = 0.0
    rate_hz: int = 1000

    def conditions(self, role: Role) -> Conditions:
        floor_uv = GAIN_UV[role.muscle] * 10 ** (-self.snr_db / 20)
        return Conditions(floor_uv=floor_uv, fat_mm=self.fat_mm, crosstalk=self.crosstalk, loss=self.loss)

    def __str__(self) -> str:
        fat = f", fat {self.fat_mm:g} mm" * bool(self.fat_mm)
        heard = f", cross-talk {100 * self.crosstalk:g} %" * bool(self.crosstalk)
        lost = f", {100 * self.loss:g} % lost" * bool(self.loss)
        return f"{self.snr_db:g} dB, {self.rate_hz} Hz{fat}{heard}{lost}"


@dataclass(frozen=True)
class Told:
    """One true repetition and what was told of it: None where none was found."""

    scenario: str
    true: TrueRep
    rep: Rep | None

    @property
    def error(self) -> float:
        """Of ``ln R``."""
        assert self.rep is not None
        assert self.rep.ln_ratio is not None
        return self.rep.ln_ratio - self.true.ln_ratio

    @property
    def share_error(self) -> float:
        return abs(share_of(self.error + self.true.ln_ratio) - share_of(self.true.ln_ratio))

    @property
    def stated(self) -> tuple[float, float] | None:
        """The 95 % range of ``ln R`` that the repetition came with."""
        if self.rep is None or self.rep.ln_ratio is None or self.rep.ln_ratio_error is None:
            return None
        return self.rep.ln_ratio_error.interval(self.rep.ln_ratio)

    @property
    def covered(self) -> bool:
        """Whether that range holds the truth; where nothing is stated it does not."""
        return self.stated is not None and self.stated[0] <= self.true.ln_ratio <= self.stated[1]

    @property
    def scored(self) -> bool:
        return self.rep is not None and self.rep.scored

    @property
    def true_class(self) -> str:
        ln = self.true.ln_ratio
        return "glutes" if ln >= GLUTES_LED else "hamstrings" if ln < HAMSTRINGS_LED else "shared"


@dataclass(frozen=True)
class Outcome:
    """What came of one session: every true repetition, how many were found that are none, and the session's summary."""

    told: tuple[Told, ...]
    invented: int
    summary: Summary

    @property
    def holds(self) -> bool | None:
        """Whether the range holds the true share of the repetitions that it was made from; None without one."""
        true = [t.true.ln_ratio for t in self.told if t.scored]
        low, high = self.summary.share_low, self.summary.share_high
        if low is None or high is None or not true:
            return None
        return low <= share_of(float(np.mean(true))) <= high

    @property
    def reasons(self) -> list[str]:
        """Why true repetitions have no share; of those that were not found, why the session has none, if that is so."""
        silent = self.summary.why_no_share if self.summary.reps == 0 else None
        missed = [silent or "missed" for t in self.told if t.rep is None]
        return missed + [reason for t in self.told if t.rep is not None and not t.scored for reason in t.rep.reasons]


def script() -> tuple[tuple[Step, ...], float]:
    """What the person does for the protocol, and when the repetitions begin."""
    steps = []
    for asked, start_s in trials():
        name = REST.name if asked.kind == "rest" else (HEEL_DIG if HAMSTRINGS & set(asked.muscles) else SQUEEZE).name
        steps.append(Step(name, start_s, start_s + asked.seconds))
    return tuple(steps), steps[-1].end_s + PAUSE_S


def run(case: Case, scenario: str, seed: int, reps: int = REPS) -> Outcome:
    """One session, from the packets to what was told."""
    steps, first_rep_s = script()
    person = Person(SCENARIOS[scenario], len(SCENARIOS) * seed + list(SCENARIOS).index(scenario), steps, first_rep_s)
    sensors = [
        SimulatedSensor(name, profile(case.rate_hz), [role], person, conditions=case.conditions(role))
        for name, role in WORN.items()
    ]
    end_s = first_rep_s + reps * REP_PERIOD_S
    pipeline = pipeline_of(sensors, load_exercise("bridge").aim)
    found = [rep for update in session(sensors, pipeline, end_s + REST_S, seed) for rep in update.reps]
    counted = [rep for rep in found if rep.counted and rep.end_s > first_rep_s]
    told = matched(scenario, person.reps(end_s), counted)
    used = {id(t.rep) for t in told}
    unit = None if pipeline.calibration is None else pipeline.calibration.unit
    summary = summarise(counted, unit, why_no_ratio=pipeline.why_no_ratio)
    return Outcome(told, sum(id(rep) not in used for rep in counted), summary)


def matched(scenario: str, truths: Sequence[TrueRep], counted: Sequence[Rep]) -> tuple[Told, ...]:
    """Put each true repetition beside the one that covers its middle; both clocks begin with the connection."""
    told = []
    for true in truths:
        middle_s = (true.start_s + true.end_s) / 2
        told.append(Told(scenario, true, next((r for r in counted if r.start_s <= middle_s <= r.end_s), None)))
    return tuple(told)


def _run(work: tuple[Case, str, int]) -> Outcome:
    return run(*work)


def measure(cases: Sequence[Case], seeds: int) -> dict[Case, list[Outcome]]:
    """Every case with every scenario and seed."""
    work = list(product(dict.fromkeys(cases), SCENARIOS, range(seeds)))
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(_run, work, chunksize=4))
    by_case: dict[Case, list[Outcome]] = {}
    for (case, _, _), outcome in zip(work, outcomes, strict=True):
        by_case.setdefault(case, []).append(outcome)
    return by_case


def row(outcomes: Sequence[Outcome]) -> list[str]:
    """What one condition comes to."""
    told = [t for o in outcomes for t in o.told]
    scored = [t for t in told if t.scored]
    counted, invented = sum(t.rep is not None for t in told), sum(o.invented for o in outcomes)
    reasons = Counter(reason for o in outcomes for reason in o.reasons)
    cells = [f"{counted} of {len(told)}" + f" + {invented}" * bool(invented), str(len(scored))]
    if scored:
        share = np.array([t.share_error for t in scored])
        named = [t for t in scored if t.rep is not None and t.rep.led_by is not None]
        right = sum(t.rep is not None and t.rep.led_by == t.true_class for t in named)
        stated = [(t.stated[1] - t.stated[0]) / 2 for t in scored if t.stated is not None]
        held = [o.holds for o in outcomes if o.holds is not None]
        cells += [
            f"{np.median(share):.3f}",
            f"{np.quantile(share, 0.95):.3f}",
            *(bias([t for t in scored if t.scenario == s]) for s in SCENARIOS),
            f"{right / max(1, len(named)):.0%}",
            str(sum(swapped(t) for t in named)),
            f"± {np.median(stated):.2f}" if stated else "",
            f"{np.mean([t.covered for t in scored]):.0%}",
            f"{np.mean(held):.0%}" if held else "",
        ]
    else:
        cells += [""] * 10
    return [*cells, ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())]


def bias(told: Sequence[Told]) -> str:
    """Mean error of ``ln R``."""
    return f"{np.mean([t.error for t in told]):+.3f}" if told else ""


def swapped(told: Told) -> bool:
    """Whether glutes were told for hamstrings, or the other way round."""
    return told.rep is not None and {told.rep.led_by, told.true_class} == {"glutes", "hamstrings"}


HEADER = (
    "| | found | scored | share error, median | p95 | bias ln R, hamstring-led | shared | glute-led | class right | swapped "
    "| stated | covers | session covers | not scored because |"
)


def table(rows: Iterable[tuple[str, Sequence[Outcome]]]) -> Iterable[str]:
    yield HEADER
    yield "|---" * HEADER.count(" |") + "|"
    for name, outcomes in rows:
        yield "| " + " | ".join([name, *row(outcomes)]) + " |"


def confusion(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """The class that was told (columns) against the true one (rows)."""
    classes = ("hamstrings", "shared", "glutes")
    counts: NDArray[np.int64] = np.zeros((3, 4), np.int64)
    for t in (t for o in outcomes for t in o.told if t.rep is not None):
        led_by = t.rep.led_by if t.rep is not None else None
        counts[classes.index(t.true_class), 3 if led_by is None else classes.index(led_by)] += 1
    yield "| truly | told hamstrings | told shared | told glutes | not told |"
    yield "|---|---|---|---|---|"
    for name, line in zip(classes, counts.tolist(), strict=True):
        yield f"| {name} | " + " | ".join(map(str, line)) + " |"


BASE = Case()
SNRS_DB, RATES_HZ, LOSSES = (6.0, 10.0, 15.0, 20.0, 30.0), (200, 250, 500, 1000, 2000), (0.0, 0.005, 0.01, 0.02, 0.05)
FATS_MM, CROSSTALKS = (0.0, 3.0, 9.0, 18.0), (0.0, 0.05, 0.10, 0.20)
CLEAR = replace(BASE, snr_db=30.0)
CORNERS = (
    Case(10.0, rate_hz=250),
    Case(10.0, loss=0.01),
    Case(6.0, loss=0.01, rate_hz=200),
    Case(30.0, loss=0.005, rate_hz=2000),
)
FAR_CORNERS = (
    Case(30.0, 3.0, 0.05),
    Case(30.0, 9.0, 0.10),
    Case(30.0, 18.0, 0.20),
    Case(20.0, 9.0, 0.10, 0.01, 250),
)
CLEAN = [
    ("Noise", [(f"{x:g} dB", replace(BASE, snr_db=x)) for x in SNRS_DB]),
    ("Rate", [(f"{x} Hz", replace(BASE, rate_hz=x)) for x in RATES_HZ]),
    ("Loss", [(f"{100 * x:g} %", replace(BASE, loss=x)) for x in LOSSES]),
    ("Together", [(str(case), case) for case in CORNERS]),
]
DISTURBED = [
    ("Fat, at 30 dB without it", [(f"{x:g} mm", replace(CLEAR, fat_mm=x)) for x in FATS_MM]),
    ("Fat, at 20 dB without it", [(f"{x:g} mm", replace(BASE, fat_mm=x)) for x in FATS_MM]),
    ("Cross-talk, at 20 dB", [(f"{100 * x:g} %", replace(BASE, crosstalk=x)) for x in CROSSTALKS]),
    ("Both", [(str(case), case) for case in FAR_CORNERS]),
]


def cases() -> list[Case]:
    return [case for _, rows in CLEAN + DISTURBED for _, case in rows]


def report(found: dict[Case, list[Outcome]], seeds: int) -> Iterable[str]:
    """Write the page."""

    def all_of(tables: Sequence[tuple[str, Sequence[tuple[str, Case]]]], keep: Callable[[Case], bool] = bool) -> list[Outcome]:
        distinct = dict.fromkeys(case for _, rows in tables for _, case in rows)
        return [o for case in distinct if keep(case) for o in found[case]]

    yield "# The truth of a share"
    yield ""
    yield from TEXT.format(seeds=seeds, reps=REPS, sessions=sum(map(len, found.values()))).splitlines()
    for title, rows in CLEAN:
        yield from ("", f"### {title}", "", *table((name, found[case]) for name, case in rows))
    yield from ("", "### Class, all of the above", "", *confusion(all_of(CLEAN)))
    yield from ("", "## What cross-talk and fat do", "", *APART.splitlines())
    for title, rows in DISTURBED:
        yield from ("", f"### {title}", "", *table((name, found[case]) for name, case in rows))
    for share in CROSSTALKS[1:]:
        outcomes = found[replace(BASE, crosstalk=share)]
        yield from ("", f"### Class with cross-talk of {100 * share:g} %", "", *confusion(outcomes))


TEXT = """\
Made by `benchmarks/truth.py`: {sessions} simulated sessions, each the whole way from packets to repetitions, with references
that the calibrator takes (the protocol `submaximal`, no trial asked for again), two sensors, three kinds of person with {seeds}
seeds each, {reps} repetitions in a session.

The truth is the simulated person's own activation. SNR is that of each muscle at its reference over the white noise of the
sensor's whole band. Unless said otherwise 20 dB, 1000 Hz, no fat, no cross-talk, no loss. Found: repetitions counted, of those
that there were (+ those that were none). Share error: of single repetitions, 0 to 1. Bias: mean error of ln R. Class right: of
the repetitions that were given a class. Swapped: glutes told for hamstrings or the other way round. Stated: the median
half-width of the 95 % range of ln R that a repetition comes with; covers: how many of these ranges hold the truth. Session
covers: how many of the 95 % ranges of whole sessions hold the true share of their repetitions.

## Noise, rate, loss"""
APART = """\
What fat and cross-talk do is no noise: they bend the ratio the same way in every repetition, no repetition shows it, and no
range that is stated includes it.

Fat weakens the glutes and their reference alike, so the share keeps its value and loses its certainty: at 18 mm a reference
has a tenth of its height over the same floor. Cross-talk here is a share of the neighbour's microvolts at its own electrode:
10 % of 150 µV of the hamstrings is a quarter of the 60 µV of the glutes, and more than all of them under 9 mm more of fat. So
it lifts the glutes of whoever works with the hamstrings."""


def main() -> None:
    """Measure and report."""
    quick = "--quick" in sys.argv[1:]
    seeds = 1 if quick else 8
    lines = list(report(measure(cases(), seeds), seeds))
    sys.stdout.write("\n".join(lines) + "\n")
    if not quick:
        REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
