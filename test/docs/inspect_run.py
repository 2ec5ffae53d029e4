"""Prints the public names of Polyaxon's tracking and clients as JSON.

Methods of Run with their arguments, properties, functions of the module; members of RunClient and ProjectClient.
"""

import inspect
import json
import types

import traceml.tracking as tracking
from polyaxon.client import ProjectClient, RunClient
from traceml.tracking import Run

methods = {}
for name, member in inspect.getmembers(Run):
    if name.startswith("_") and name != "__init__":
        continue
    if isinstance(member, property):
        methods[name] = []
    elif callable(member):
        methods[name] = [p for p in inspect.signature(member).parameters if p != "self"]

functions = [
    name
    for name, member in vars(tracking).items()
    if isinstance(member, types.FunctionType) and not name.startswith("_")
]
clients = {
    client.__name__: [name for name, _ in inspect.getmembers(client) if not name.startswith("_")]
    for client in (RunClient, ProjectClient)
}
print(json.dumps({"methods": methods, "functions": functions, "clients": clients}))
