"""Pushes offline runs with Polyaxon's client.

    python push_offline.py <project> <run directory>...

The host is in POLYAXON_HOST.
"""

import sys

from polyaxon.client import RunClient

project, *directories = sys.argv[1:]
for directory in directories:
    client = RunClient.load_offline_run(directory, raise_if_not_found=True)
    client.push_offline_run(directory, upload_artifacts=True)
