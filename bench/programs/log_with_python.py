"""Logs values with one of the Python writers, and prints the time per value.

    python log_with_python.py <writer> <scalars|histograms|images> <count> <directory> [<file of pixels>]

The time includes closing the writer, so that everything is in the file. Inputs are created before.
"""

import json
import sys
import time

import numpy as np

writer_name, what, count, directory = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
tags = [f"train/metric_{i}" for i in range(20)]
generator = np.random.default_rng(1)
numbers = [float(value) for value in generator.random(1024)]


inputs = {
    "scalars": lambda: numbers,
    "histograms": lambda: [generator.standard_normal(1000) for _ in range(64)],
    "images": lambda: list(np.fromfile(sys.argv[5], np.uint8).reshape(-1, 256, 256, 3)),
}[what]()


def with_summary_writer(writer):
    """Logs with a `SummaryWriter` of tensorboardX or PyTorch."""
    if what == "scalars":
        for i in range(count):
            writer.add_scalar(tags[i % 20], numbers[i & 1023], i // 20)
    elif what == "histograms":
        for i in range(count):
            writer.add_histogram("weights", inputs[i % 64], i)
    else:
        for i in range(count):
            writer.add_image("sample", inputs[i % 16], i, dataformats="HWC")
    writer.close()


def tensorboardx():
    import tensorboardX

    return tensorboardX.__version__, lambda: tensorboardX.SummaryWriter(directory), with_summary_writer


def pytorch():
    import torch
    from torch.utils.tensorboard import SummaryWriter

    return torch.__version__, lambda: SummaryWriter(directory), with_summary_writer


def tensorflow():
    import tensorflow as tf

    def log(writer):
        with writer.as_default():
            if what == "scalars":
                for i in range(count):
                    tf.summary.scalar(tags[i % 20], numbers[i & 1023], step=i // 20)
            elif what == "histograms":
                for i in range(count):
                    tf.summary.histogram("weights", inputs[i % 64], step=i)
            else:
                for i in range(count):
                    tf.summary.image("sample", inputs[i % 16][None], step=i)
        writer.close()

    return tf.__version__, lambda: tf.summary.create_file_writer(directory), log


def tensorboard():
    """TensorBoard's writer with events created beforehand, so that only framing, CRC, queue and thread are measured."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.version import VERSION

    def ready(i):
        tensor = TensorProto(dtype=1, float_val=[numbers[i & 1023]])
        value = Summary.Value(tag=tags[i % 20], tensor=tensor)
        return Event(wall_time=time.time(), step=i // 20, summary=Summary(value=[value]))

    events = [ready(i) for i in range(count)]

    def log(writer):
        for event in events:
            writer.add_event(event)
        writer.close()

    return VERSION, lambda: EventFileWriter(directory), log


def polyaxon():
    """Polyaxon's `Run` in a separate directory, without a server."""
    import os

    os.environ["POLYAXON_OFFLINE"] = "true"
    os.environ["POLYAXON_OFFLINE_ROOT"] = directory
    os.environ["POLYAXON_CONTEXT_ROOT"] = directory
    from polyaxon import pkg
    from polyaxon import settings

    settings.CLIENT_CONFIG.is_offline = True
    from traceml.tracking.run import Run

    def start():
        return Run(
            owner="bench", project="bench", run_uuid="ab" * 16, is_offline=True,
            track_code=False, track_env=False, track_logs=False, artifacts_path=os.path.join(directory, "ab" * 16),
            collect_resources=False,
        )

    def log(run):
        if what == "scalars":
            for i in range(count):
                run.log_metric(tags[i % 20], numbers[i & 1023], step=i // 20)
        else:
            for i in range(count):
                run.log_histogram("weights", *np.histogram(inputs[i % 64], bins=30), step=i)
        run._event_logger.close()

    return pkg.VERSION, start, log


version, start, log = {
    "tensorboardx": tensorboardx,
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "tensorboard": tensorboard,
    "polyaxon": polyaxon,
}[writer_name]()
writer = start()
begin, cpu = time.perf_counter(), time.process_time()
log(writer)
seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
print(json.dumps({"nanoseconds": seconds * 1e9 / count, "cpu": cpu * 1e9 / count, "version": version}), flush=True)
# Skip the exit handlers of the libraries.
import os

os._exit(0)
