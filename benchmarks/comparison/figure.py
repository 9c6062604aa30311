"""The comparison as one picture."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill

import matplotlib as mpl
from benchmarks.comparison.accuracy import Score
from benchmarks.comparison.streaming import Cost
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, THEIRS = "#0072B2", "#9A9A9A"
# Colours of Okabe and Ito, which people with any colour vision can tell apart; marks differ in shape as well.
COLOURS = ("#0072B2", "#56B4E9", "#CC79A7", "#000000", "#E69F00", "#009E73")
SHAPES = ("o", "s")
TEXT = "#222222"
MOST_MISSED, MOST_FALSE = 0.10, 0.2
"""Beyond, a detector is drawn hollow (chosen): a small error says little of one that finds few, or fires everywhere."""


def draw(
    path: Path,
    title: str,
    speeds: tuple[str, Mapping[str, float]],
    costs: tuple[str, Mapping[str, Cost]],
    scores: Mapping[str, Mapping[str, Score]],
) -> None:
    """Draw throughput, cost of a live chunk and onsets beside each other."""
    mpl.rcParams.update({"font.size": 9, "text.color": TEXT, "axes.labelcolor": TEXT, "axes.titlesize": 10})
    figure = Figure(figsize=(15.5, 4.8), dpi=110, facecolor="white", layout="constrained")
    throughput, live, onsets = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    bars(throughput, speeds[1], "{:.3g}")
    throughput.set(title=f"Throughput, {speeds[0]}: more is better", xlabel="million channel-samples a second (log)")
    bars(live, {name: cost.p99 for name, cost in costs[1].items()}, "{:.0f}", {n: c.median for n, c in costs[1].items()})
    live.set(title=f"One live chunk, {costs[0]}: less is better", xlabel="µs (log): bar p99, line median")
    points(onsets, scores)
    figure.savefig(path)


def bars(axes: Axes, values: Mapping[str, float], form: str, ticks: Mapping[str, float] | None = None) -> None:
    """Draw lying bars on a log axis, ours in blue, in the order given from the top."""
    names = list(values)
    plain = [fill(name.replace("`", ""), 27) for name in names]
    colours = [OURS if name.startswith("gluteemg") else THEIRS for name in names]
    axes.tick_params(axis="y", labelsize=8)
    axes.barh(plain, list(values.values()), color=colours, height=0.72)
    axes.set_xscale("log")
    axes.set_xlim(min([*values.values(), *(ticks or {}).values()]) / 2.5, max(values.values()) * 2.6)
    axes.invert_yaxis()
    for place, name in enumerate(names):
        axes.text(values[name] * 1.06, place, form.format(values[name]), va="center", fontsize=8)
        if ticks:
            axes.plot([ticks[name]] * 2, [place - 0.36, place + 0.36], color=TEXT, linewidth=1.6)
    clean(axes)
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.7)


def points(axes: Axes, scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Draw the error of onsets, median against 95th percentile."""
    detectors = list(dict.fromkeys(name for found in scores.values() for name in found))
    for shape, (label, found) in zip(SHAPES, scores.items(), strict=False):
        axes.plot([], [], shape, color=THEIRS, label=fill(label, 20))
        for name, score in found.items():
            colour = COLOURS[detectors.index(name) % len(COLOURS)]
            style = "full" if score.missed <= MOST_MISSED and score.false <= MOST_FALSE else "none"
            axes.plot(score.median_ms, score.p95_ms, shape, color=colour, fillstyle=style, markersize=9, markeredgewidth=1.6)
    for place, name in enumerate(detectors):
        axes.plot([], [], "D", color=COLOURS[place % len(COLOURS)], label=fill(name.replace("`", ""), 20))
    axes.set(title="Onsets: nearer to the lower left is better", xlabel="median error, ms", ylabel="95th percentile, ms")
    axes.set_xlim(0, None)
    axes.set_ylim(0, None)
    hollow = fill(f"hollow: misses over {MOST_MISSED:.0%}, or over {MOST_FALSE:g} false an onset", 26)
    axes.plot([], [], "D", color=TEXT, fillstyle="none", label=hollow)
    clean(axes)
    axes.grid(color="#E4E4E4", linewidth=0.7)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8, labelspacing=0.8)


def clean(axes: Axes) -> None:
    """Leave out the frame above and to the right, and put grids behind."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
