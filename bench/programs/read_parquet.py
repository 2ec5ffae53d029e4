"""Exports runs to Parquet and compares what pyarrow reads with the points of the event files.

    python read_parquet.py <node> <load-runs.mjs> <root> <directory>
"""

import json
import subprocess
import sys

import numpy as np
import pyarrow
import pyarrow.parquet as pq

node, program, root, directory = sys.argv[1:]
subprocess.run([node, program, "parquet", root, directory], check=True, stdout=subprocess.DEVNULL)
points = np.fromfile(f"{directory}/points.f64", dtype=np.float64)
table = pq.read_table(f"{directory}/metrics.parquet")
rows = len(table)
runs = table["run"].combine_chunks().dictionary_encode()
tags = table["tag"].combine_chunks().dictionary_encode()
keys = np.asarray(runs.indices).astype(np.int64) * len(tags.dictionary) + np.asarray(tags.indices)
starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
ends = np.append(starts[1:], rows)
columns = [table[name].to_numpy().astype(np.float64) for name in ("step", "wall_time", "value")]
different = abs(3 * rows - len(points))
at = 0
for start, end in zip(starts, ends):
    for column in columns:
        expected = points[at : at + end - start]
        found = column[start:end]
        at += end - start
        different += int((found.view(np.int64) != expected.view(np.int64)).sum()) if len(found) == len(expected) else len(found)
print(json.dumps({"different": different, "rows": rows, "runs": len(runs.dictionary), "version": pyarrow.__version__}))
