"""Draws a dashboard as Grafana lays it out: panels by their place on a grid of 24 columns, each with its
series, legend and unit.

In: the dashboard, whose targets have their series. Out: the path of a PNG file.
"""

import re

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402: the backend is chosen first

COLUMNS = 24
# Inches of a column and of a row of the grid.
CELL = (0.7, 0.45)
UNITS = {"reqps": "requests/s", "cps": "1/s", "s": "s", "ms": "ms", "bytes": "bytes", "percentunit": "share",
         "short": ""}
# A panel with more series than this shows the legend of the first ones only.
LEGENDS = 10


def legend(form, labels):
    return re.sub(r"{{ *(\w+) *}}", lambda found: labels.get(found[1], ""), form)


def draw(dashboard, path):
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    rows = max(place["y"] + place["h"] for place in places)
    width, height = COLUMNS * CELL[0], rows * CELL[1]
    figure = pyplot.figure(figsize=(width, height))
    figure.suptitle(dashboard["title"])
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        left, bottom = place["x"] / COLUMNS, 1 - (place["y"] + place["h"]) / rows
        axes = figure.add_axes((left + 0.04, bottom * 0.97 + 0.012, place["w"] / COLUMNS - 0.06,
                                place["h"] / rows * 0.97 - 0.035))
        axes.set_title(panel["title"], fontsize=9, loc="left")
        axes.set_ylabel(UNITS[panel["fieldConfig"]["defaults"]["unit"]], fontsize=7)
        axes.tick_params(labelsize=7)
        for target in panel["targets"]:
            for labels, points in target["series"]:
                first = points[0][0]
                axes.plot([at - first for at, _ in points], [value for _, value in points],
                          label=legend(target["legendFormat"], labels)[:40], linewidth=1)
        if axes.lines:
            axes.legend(handles=axes.lines[:LEGENDS], fontsize=6, loc="upper left")
        axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return path
