"""Computes Polyaxon's summaries of metrics, as its client does at each sync: python summarize_with_polyaxon.py <directory of .plx files>"""

import json
import os
import sys
import time

from polyaxon import pkg
from traceml.events import V1Events

directory = sys.argv[1]
paths = [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
start, cpu = time.perf_counter(), time.process_time()
rows = 0
for path in paths:
    name = os.path.basename(path).split(".plx")[0]
    events = V1Events.read(kind="metric", name=name, data=path)
    assert events.get_summary()["metric"]["count"] == len(events.df)
    rows += len(events.df)
total, cpu = (time.perf_counter() - start) * 1e9, (time.process_time() - cpu) * 1e9
print(json.dumps({"nanoseconds": total / rows, "cpu": cpu / rows, "total": total, "version": pkg.VERSION}))
