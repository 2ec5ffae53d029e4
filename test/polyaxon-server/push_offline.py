"""Pushes offline runs with Polyaxon's client.

    python push_offline.py <project> <run directory>...

The host is in POLYAXON_HOST. The open server rejects a request with more than about a thousand lineage entries, and the client sends all of a run in one:
LINEAGE_BATCH, a number, divides them.
"""

import os
import sys

from polyaxon.client import RunClient

batch = int(os.environ.get("LINEAGE_BATCH", 0))
send_lineage = RunClient.log_artifact_lineage


def send_lineage_in_batches(self, body, async_req=True):
    for start in range(0, len(body), batch):
        send_lineage(self, body[start : start + batch], async_req=async_req)


if batch > 0:
    RunClient.log_artifact_lineage = send_lineage_in_batches

project, *directories = sys.argv[1:]
for directory in directories:
    client = RunClient.load_offline_run(directory, raise_if_not_found=True)
    client.push_offline_run(directory, upload_artifacts=True)
