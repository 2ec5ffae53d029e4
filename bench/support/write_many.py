"""One of many processes that write runs to a shared directory, with TensorBoard's event file writer.

    python write_many.py <root> <runs> <files of a run> <seconds>

Prints "ready", and starts after it has read a line from stdin.
"""

import os
import sys
import time
import uuid

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

root, run_count, file_count, seconds = sys.argv[1], *map(int, sys.argv[2:5])
PERIOD = 1.0
artifacts = file_count - 1

print("ready", flush=True)
sys.stdin.readline()
runs = []
for _ in range(run_count):
    outputs = os.path.join(root, "runs", uuid.uuid4().hex, "outputs")
    os.makedirs(os.path.join(outputs, "tensorboard"))
    runs.append((outputs, EventFileWriter(os.path.join(outputs, "tensorboard"), flush_secs=1)))

start = time.monotonic()
steps = round(seconds / PERIOD)
for step in range(steps):
    for outputs, writer in runs:
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=1 / (1 + step))])
        writer.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))
        with open(os.path.join(outputs, "train.log"), "a", encoding="utf-8") as log:
            log.write(f"step {step}\n")
        for i in range(step * artifacts // steps, min((step + 1) * artifacts // steps, artifacts - 1)):
            with open(os.path.join(outputs, f"sample-{i}.bin"), "wb") as file:
                file.write(bytes([i % 256]) * (1000 + 500 * i))
    time.sleep(max(0, start + (step + 1) * PERIOD - time.monotonic()))
for _, writer in runs:
    writer.close()
