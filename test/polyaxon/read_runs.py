"""Reads run directories with Polyaxon's client, and prints their content as JSON.

    python read_runs.py <run directory>...

Prints steps and values as text, so that no digit is lost.
"""

import json
import os
import sys

from polyaxon.client import RunClient
from traceml.events import V1Events


def to_rows(frame, kind):
    """Returns rows of [step, timestamp, value] as text; missing values are null."""

    def text(value):
        if value is None or value != value and kind != "metric":
            return None
        return value if isinstance(value, str) else repr(float(value))

    def step(value):
        return None if value is None or value != value else str(int(value))

    return [
        [step(row["step"]), row["timestamp"].isoformat(), text(row[kind])]
        for row in frame[["step", "timestamp", kind]].to_dict(orient="records")
    ]


def read_events(root):
    """Returns the rows of each event file and Polyaxon's summary of it, by `kind/name`."""
    found = {}
    for kind in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        for file in sorted(os.listdir(os.path.join(root, kind))):
            name = file.split(".plx")[0]
            events = V1Events.read(kind=kind, name=name, data=os.path.join(root, kind, file))
            found[f"{kind}/{name}"] = {"rows": to_rows(events.df, kind), "summary": events.get_summary()}
    return found


def read_run(path):
    client = RunClient.load_offline_run(path, raise_if_not_found=True)
    return {
        "run": client.client.sanitize_for_serialization(client.run_data),
        "lineage": {
            name: client.client.sanitize_for_serialization(artifact)
            for name, artifact in client.artifacts_lineage.items()
        },
        "events": read_events(os.path.join(path, "events")),
        "resources": read_events(os.path.join(path, "resources")),
    }


print(json.dumps([read_run(path) for path in sys.argv[1:]]))
