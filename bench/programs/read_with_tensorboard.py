"""Reads scalars with TensorBoard's readers, and prints the time per scalar.

    python read_with_tensorboard.py <python|rust|rust-checksum> <directory> <scalars> <last step>

`python`: the event file loader, up to the end of the file. `rust`: the data server in a separate process, from its start until it returns the last
point of the tag that was written last. The time of a start with an empty directory is measured first, and subtracted.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

how, directory, count, last_step = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def read_with_python():
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.version import VERSION

    (name,) = os.listdir(directory)
    start, cpu = time.perf_counter(), time.process_time()
    found = sum(1 for event in EventFileLoader(os.path.join(directory, name)).Load() if event.summary.value)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert found == count, found
    return {"nanoseconds": seconds * 1e9 / count, "cpu": cpu * 1e9 / count, "version": VERSION}


def start_server(logdir, flags, is_ready):
    """Returns the seconds from the start of the server until `is_ready(client)` returns true."""
    import grpc
    import tensorboard_data_server
    from tensorboard.data.proto import data_provider_pb2_grpc

    port_file = os.path.join(tempfile.mkdtemp(), "port")
    start = time.perf_counter()
    server = subprocess.Popen(
        [tensorboard_data_server.server_binary(), f"--logdir={logdir}", "--port=0", f"--port-file={port_file}", "--reload=once", *flags],
    )
    try:
        while True:
            try:
                with open(port_file, encoding="utf-8") as file:
                    text = file.read()
                if text.endswith("\n"):
                    break
            except FileNotFoundError:
                pass
            time.sleep(0.002)
        with grpc.insecure_channel(f"localhost:{int(text)}") as channel:
            client = data_provider_pb2_grpc.TensorBoardDataProviderStub(channel)
            while not is_ready(client):
                time.sleep(0.005)
        return time.perf_counter() - start
    finally:
        server.kill()
        server.wait()


def processor_seconds():
    """Returns the processor time of all servers that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def read_with_rust(flags):
    import tensorboard_data_server
    from tensorboard.data.proto import data_provider_pb2 as pb

    def answers(client):
        client.GetExperiment(pb.GetExperimentRequest(), wait_for_ready=True)
        return True

    def has_last(client):
        request = pb.ListScalarsRequest(plugin_filter=pb.PluginFilter(plugin_name="scalars"))
        runs = client.ListScalars(request, wait_for_ready=True).runs
        steps = [tag.metadata.max_step for run in runs for tag in run.tags if tag.tag_name == "train/metric_19"]
        return last_step in steps

    starting = start_server(tempfile.mkdtemp(), flags, answers)
    cpu = processor_seconds()
    seconds = start_server(directory, flags, has_last)
    version = tensorboard_data_server.__version__
    return {"nanoseconds": (seconds - starting) * 1e9 / count, "cpu": (processor_seconds() - cpu) * 1e9 / count, "total": (seconds - starting) * 1e9, "start": starting * 1e9, "version": version}


results = {
    "python": read_with_python,
    "rust": lambda: read_with_rust([]),
    "rust-checksum": lambda: read_with_rust(["--checksum"]),
}
print(json.dumps(results[how]()))
