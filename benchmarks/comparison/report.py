"""The tables of the report."""

from collections.abc import Iterable, Mapping

from benchmarks.comparison import accuracy, correctness, streaming, throughput

WHOLE = """\
Million channel-samples a second, best of three. The peers' task: Butterworth band-pass 20–450 Hz of order 4, notch at 50 Hz,
RMS over 100 ms; each does of it what it can. gluteemg's: band 20–450 Hz (high-pass of order 2, low-pass of order 4), RMS over
125 and over 500 ms at every 5 ms; its notch is off unless there is hum.
"""
LIVE = f"""\
µs, median / p99, {streaming.N_CHANNELS} channels: the best of three runs that follow each other. All take each chunk in turn,
in an order that is drawn anew, so everybody meets the same noise and the same cold caches; mne-lsl is measured after the
others, through a stream of its own. Who filters the last second anew keeps no state. "On its own" nobody comes in between: the
caches are warm, and p99 is that of the machine's own interruptions.
"""
ONSETS = f"""\
Absolute error in ms, median / p95; part missed; false ones for each onset. A detection within {1000 * accuracy.REACH_S:.0f} ms
of a true onset is a hit. gluteemg takes each signal through its import and analysis, with the one setting that it has.
biosppy's Lidierth detector has no defaults: it is shown where the muscle rests, and its score is the best of many settings on
these very signals, which no user could know.
"""
REFERENCES = f"""\
Band, notch and RMS on: {{}}, {correctness.END_S:g} s of each end left out for the filters; spectra on {correctness.FATIGUE_S}
made windows of 1 s. “Of RMS” is the greatest difference over the reference's RMS. gluteemg has no zero-phase filter, no linear
envelope and no TKEO, so these are not compared.
"""


def budgets(
    speeds: Mapping[str, float],
    size: str,
    whole: throughput.Whole,
    costs: Mapping[str, streaming.Cost],
    scores: Mapping[str, Mapping[str, accuracy.Score]],
    outcomes: Iterable[correctness.Outcome],
) -> Iterable[str]:
    """Write what was promised beside what was measured."""
    filters, both, bare = (costs[name] for name in (streaming.FILTERS, streaming.OURS, streaming.BARE))
    own, floor = (costs[name + streaming.ALONE] for name in (streaming.OURS, streaming.BARE))
    alone, all_steps = filters.median / bare.median, both.median / bare.median
    offline, offline_both = speeds[streaming.FILTERS], speeds[streaming.OURS]
    rows: list[tuple[str, str, str, bool]] = [
        ("live, filters, × one bare `sosfilt`", f"{alone:.2f}", "≤ 1.5", alone <= 1.5),
        ("live, with both envelopes, × the same", f"{all_steps:.2f}", "≤ 3", all_steps <= 3),
        ("live, with both envelopes, p99, on its own", f"{own.p99:.0f} µs (floor {floor.p99:.0f})", "≤ 150 µs", own.p99 <= 150),
        ("the same, in turn with others", f"{both.p99:.0f} µs (floor {bare.p99:.0f})", "≤ 150 µs", both.p99 <= 150),
        (f"offline, filters, {size}", f"{offline:.0f} M/s", "≥ 45 M/s", offline >= 45),
        ("offline, with both envelopes", f"{offline_both:.0f} M/s", "≥ 20 M/s", offline_both >= 20),
        ("memory beside the input", f"{whole.chain_mb:.0f} MB", "< 50 MB", whole.chain_mb < 50),
        ("whole analysis", f"{whole.gluteemg:.0f} × real time", "≥ 2000 ×", whole.gluteemg >= 2000),
    ]
    if whole.emg_process:
        ratio = whole.gluteemg / whole.emg_process
        rows.append(("the same, × neurokit2 `emg_process`", f"{ratio:.0f}", "≥ 100", ratio >= 100))
    for label, found in scores.items():
        if label.startswith("published"):
            on, live = found["gluteemg"], found["gluteemg, decided live"]
            good = on.median_ms <= 25 and on.p95_ms <= 110 and on.missed == on.false == 0
            told_all = f"{on.median_ms:.0f} / {on.p95_ms:.0f} ms, {on.missed:.0%} missed, {on.false:.2f} false"
            rows.append((f"onsets, {label}: median / p95", told_all, "≤ 25 / 110 ms, none, none", good))
            rows.append(("the same, decided live: median", f"{live.median_ms:.0f} ms", "≤ 90 ms", live.median_ms <= 90))
    compared = [o for o in outcomes if o.holds is not None]
    agreeing = sum(o.holds is True for o in compared)
    rows.append(("agreement with references", f"{agreeing} of {len(compared)}", "all", agreeing == len(compared)))
    yield from ("## Budgets", "", "| what | measured | budget | |", "|---|---|---|---|")
    for what, measured, budget, good in rows:
        yield f"| {what} | {measured} | {budget} | {'holds' if good else '**missed**'} |"
    yield ""


def throughput_lines(inputs: list[str], speeds: Mapping[str, Mapping[str, float]], whole: throughput.Whole) -> Iterable[str]:
    """Write the tables of whole recordings."""
    yield from (
        "## Whole recordings",
        "",
        WHOLE,
        "| program | " + " | ".join(inputs) + " | how |",
        "|---" * (len(inputs) + 2) + "|",
    )
    notes = {name: note for name, (_, _, note) in throughput.TASKS.items()}
    notes[throughput.SLOW] = "its standard call; projected from a short piece of one channel, which flatters it"
    for name, found in speeds.items():
        yield f"| {name} | " + " | ".join(f"{found[i]:.3g}" for i in inputs) + f" | {notes[name]} |"
    yield ""
    size = f"{whole.seconds:g} s × 4 channels × 1 kHz"
    yield f"The whole analysis of a simulated recording of {size} (opened, decoded, timed, filtered, judged; bursts,"
    yield f"repetitions, ratio): {whole.gluteemg:.0f} × real time, best of three."
    if whole.emg_process:
        yield f"neurokit2's `emg_process` on {whole.short_s:g} s of the same channels, in the same run:"
        yield f"{whole.emg_process:.1f} × real time. That is {whole.gluteemg / whole.emg_process:.0f} times as fast."
    yield ""


def live_lines(costs: Mapping[str, Mapping[tuple[float, int], streaming.Cost]]) -> Iterable[str]:
    """Write the table of live chunks."""
    yield from (
        "## One live chunk",
        "",
        LIVE,
        "| program | " + " | ".join(f"{rate / 1000:g} kHz, {ms} ms" for rate, ms in streaming.CASES) + " |",
        "|---" * (len(streaming.CASES) + 1) + "|",
    )
    for name, found in costs.items():
        cells = (f"{found[c].median:.0f} / {found[c].p99:.0f}" if c in found else "–" for c in streaming.CASES)
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def onset_lines(scores: Mapping[str, Mapping[str, accuracy.Score]]) -> Iterable[str]:
    """Write the table of onsets."""
    yield from ("## Onsets", "", ONSETS)
    if not any(label.startswith("published") for label in scores):
        yield from ("The published signals are not here (they are no part of the project).", "")
    detectors = dict.fromkeys(name for found in scores.values() for name in found)
    yield "| detector | " + " | ".join(scores) + " |"
    yield "|---" * (len(scores) + 1) + "|"
    for name in detectors:
        cells = (
            f"{s.median_ms:.0f} / {s.p95_ms:.0f}, {s.missed:.0%}, {s.false:.2f}"
            if s.missed < 1
            else f"all missed, {s.false:.2f}"
            for s in (found[name] for found in scores.values())
        )
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def correctness_lines(measured_on: str, outcomes: Iterable[correctness.Outcome]) -> Iterable[str]:
    """Write the table of references."""
    yield from (
        "## Agreement with independent references",
        "",
        REFERENCES.format(measured_on),
        "| quantity | reference | difference | tolerance | |",
        "|---|---|---|---|---|",
    )
    for o in outcomes:
        difference = "not here" if o.difference is None else f"{o.difference:.2g} {o.check.unit}".rstrip()
        verdict = {None: "", True: "holds", False: "**missed**"}[o.holds]
        yield f"| {o.check.quantity} | {o.check.reference} | {difference} | {o.check.tolerance:g} | {verdict} |"
    yield ""
