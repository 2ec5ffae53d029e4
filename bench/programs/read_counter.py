"""Prints the values of the tag `counter` in the event files of a directory, as JSON, read with TensorBoard's loader.

    python read_counter.py <directory>
"""

import json
import os
import sys

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util

values = []
for name in sorted(os.listdir(sys.argv[1])):
    if "tfevents" not in name:
        continue
    for event in EventFileLoader(os.path.join(sys.argv[1], name)).Load():
        for value in event.summary.value:
            if value.tag == "counter":
                values.append(int(tensor_util.make_ndarray(value.tensor).item()))
print(json.dumps(values))
