"""Prints the variables and files that the installed Polyaxon client and tracking library read, as JSON."""

import importlib.util
import json
import re
import sys
from pathlib import Path


def source(package):
    if len(sys.argv) > 1:
        return Path(sys.argv[1]) / package
    return Path(importlib.util.find_spec(package).origin).parent


polyaxon, traceml = source("polyaxon"), source("traceml")
keys = dict(re.findall(r'^(ENV_KEYS_\w+) = "(\w+)"', (polyaxon / "_env_vars/keys.py").read_text(), re.M))
places = [
    *(polyaxon / name for name in ("_schemas/client.py", "_schemas/authentication.py", "_schemas/home.py", "settings.py")),
    *(path for name in ("_client", "_env_vars/getters", "_contexts", "_config") for path in (polyaxon / name).rglob("*.py")),
    *traceml.rglob("*.py"),
]
variables = set()
for place in places:
    text = place.read_text()
    variables.update(keys[name] for name in re.findall(r"\bENV_KEYS_\w+", text) if name in keys)
    variables.update(re.findall(r'(?:environ(?:\.get)?|getenv)[(\[]\s*"(POLYAXON_\w+)"', text))

files = set()
for manager in (polyaxon / "_managers").glob("*.py"):
    if manager.stem in {"agent", "compose", "deploy"}:
        continue  # not read by the client
    files.update(re.findall(r'CONFIG_FILE_NAME = "([^"]+)"', manager.read_text()))
files.update(re.findall(r'^CONTEXT_LOCAL_\w+ = "([^"]+)"', (polyaxon / "_contexts/paths.py").read_text(), re.M))
for name, path in re.findall(r'^(CONTEXT_MOUNT_\w+) = "\{\}(/[^"{]*)"', (polyaxon / "_contexts/paths.py").read_text(), re.M):
    if name in {"CONTEXT_MOUNT_AUTH", "CONTEXT_MOUNT_ARTIFACTS", "CONTEXT_MOUNT_FILE_WATCHER", "CONTEXT_MOUNT_CONFIGS"}:
        files.add(path.lstrip("/"))
print(json.dumps({"variables": sorted(variables), "files": sorted(files)}, indent=2))
