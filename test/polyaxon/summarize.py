"""Prints the summaries that Polyaxon's client computes for the event files of a run, as JSON by path: `summarize.py <run directory>`."""

import json
import os
import sys

from traceml.events import V1Events

root = sys.argv[1]
summaries = {}
for part in ("events", "resources"):
    for directory, _, names in os.walk(os.path.join(root, part)):
        for name in names:
            path = os.path.join(directory, name)
            kind = os.path.basename(directory)
            events = V1Events.read(kind=kind, name=name.split(".plx")[0], data=path)
            summary = events.get_summary()
            summary["values"] = [str(value) for value in events.df[kind]]
            summaries[os.path.relpath(path, root)] = summary
print(json.dumps(summaries))
