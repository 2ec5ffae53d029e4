"""Prints the public names of Polyaxon's tracking as JSON: methods of Run with their arguments, properties, functions of the module."""

import inspect
import json
import types

import traceml.tracking as tracking
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
print(json.dumps({"methods": methods, "functions": functions}))
