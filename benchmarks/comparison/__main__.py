"""Measure everything and write it down: run by ``benchmarks/peers.py`` in the peers' environment."""

import argparse
import os
import platform
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.comparison import accuracy, correctness, figure, present, report, streaming, throughput

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
LIVE_CASE = (2000.0, 20)
"""Rate in Hz and chunk in ms of the budget."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="benchmarks/peers.py", description="Measure gluteemg beside other programs.")
    parser.add_argument("--quick", action="store_true", help="a shortened run, written to .venv-peers instead of docs")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")  # of peers, about themselves
    began_s, load = time.monotonic(), os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    here, away = present.look()
    say("live")
    costs, no_lsl = streaming.measure(here, quick=quick)
    say("throughput")
    inputs, speeds = throughput.measure(here, quick=quick)
    say("whole analysis")
    whole = throughput.measure_whole(here, quick=quick)
    say("onsets")
    scores = accuracy.measure(here, quick=quick)
    say("correctness")
    measured_on, outcomes = correctness.measure(here)
    if no_lsl:
        away = {**away, "mne-lsl, live": no_lsl}

    folder = Path(sys.prefix) if quick else DOCS
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    busy = "" if load is None else f", load {load:.1f} at the start"
    speed_of = {name: found[inputs[-1]] for name, found in speeds.items()}
    cost_of = {name: found[LIVE_CASE] for name, found in costs.items() if LIVE_CASE in found}
    title = f"gluteemg beside other programs, {machine}" + (" (shortened run)" if quick else "")
    figure.draw(folder / "peers.png", title, (inputs[-1], speed_of), (case_name(LIVE_CASE), cost_of), scores)
    lines = [
        "# Beside other programs",
        "",
        f"{machine}{busy}; one core. Made by `benchmarks/peers.py{' --quick' if quick else ''}` in "
        f"{(time.monotonic() - began_s) / 60:.0f} min. " + ", ".join(f"{name} {number}" for name, number in here.items()) + ".",
        "",
        "![Throughput, cost of a live chunk, and errors of onsets of gluteemg and its peers](peers.png)",
        "",
        *report.budgets(speed_of, inputs[-1], whole, cost_of, scores, outcomes),
        *report.throughput_lines(inputs, speeds, whole),
        *report.live_lines(costs),
        *report.onset_lines(scores),
        *report.correctness_lines(measured_on, outcomes),
        *(["## Not here", "", *(f"- {name}: {reason}" for name, reason in away.items()), ""] if away else []),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    sys.stdout.write(text)
    (folder / "peers.md").write_text(text, encoding="utf-8")
    say(f"written to {folder / 'peers.md'}")


def say(what: str) -> None:
    print(f"— {what}", file=sys.stderr, flush=True)


def processor() -> str:
    """Name the processor, as far as the system tells."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text("utf-8").splitlines() if known.is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def case_name(case: tuple[float, int]) -> str:
    return f"{streaming.N_CHANNELS} ch, {case[0] / 1000:g} kHz, {case[1]} ms"


if __name__ == "__main__":
    main()
