"""Checks manifests against the published schemas of Kubernetes and Polyaxon, and prints the problems of each file as JSON.

    python check_manifests.py <file>...

Kubernetes: the classes of its Python client, which are generated from its OpenAPI description. Unknown fields are problems too, although
clients ignore them. Polyaxon: its schema of operations.
"""

import json
import re
import sys

import kubernetes.client
import yaml
from polyaxon.schemas import V1Operation


def class_of(document):
    group, _, version = document["apiVersion"].rpartition("/")
    return f"{version.capitalize()}{document['kind']}"


def check(value, type_name, path):
    """Returns the problems of a value that should have a type of the client: `str`, `list[X]`, `dict(str, X)` or a class."""
    inner = re.fullmatch(r"[Ll]ist\[(.+)\]", type_name)
    if inner:
        if not isinstance(value, list):
            return [f"{path}: expected a list"]
        return [found for i, item in enumerate(value) for found in check(item, inner[1], f"{path}[{i}]")]
    inner = re.fullmatch(r"[Dd]ict[(\[]str, (.+)[)\]]", type_name)
    if inner:
        if not isinstance(value, dict):
            return [f"{path}: expected a map"]
        return [found for key, item in value.items() for found in check(item, inner[1], f"{path}.{key}")]
    simple = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}.get(type_name)
    if simple is not None:
        is_wrong = not isinstance(value, simple) or (type_name == "int" and isinstance(value, bool))
        return [f"{path}: found {value!r}, expected {type_name}"] if is_wrong else []
    model = getattr(kubernetes.client, type_name, None)
    if model is None:
        return [f"{path}: unknown class {type_name}"]
    if not isinstance(value, dict):
        return [f"{path}: expected a map"]
    fields = {json_name: name for name, json_name in model.attribute_map.items()}
    found = [f"{path}.{key}: unknown field of {type_name}" for key in value if key not in fields]
    for key, item in value.items():
        if key in fields:
            found += check(item, model.openapi_types[fields[key]], f"{path}.{key}")
    if not found:
        try:
            model(**{fields[key]: item for key, item in value.items()})
        except ValueError as error:
            found.append(f"{path}: {error}")
    return found


def check_document(document):
    if document.get("kind") == "operation":
        try:
            V1Operation.read(document)
        except Exception as error:
            return [f"operation: {error}"]
        run = document["component"]["run"]
        containers = [run["container"], *[init["container"] for init in run.get("init", []) if "container" in init]]
        # Polyaxon passes containers to Kubernetes without checking them.
        return [found for each in containers for found in check(each, "V1Container", "container")]
    # kubernetes/main.go checks these.
    if document["apiVersion"].startswith(("monitoring.coreos.com/", "kustomize.config.k8s.io/")):
        return []
    return check(document, class_of(document), document["kind"])


def check_file(file):
    with open(file, encoding="utf-8") as stream:
        return [found for each in yaml.safe_load_all(stream) for found in check_document(each)]


print(json.dumps({file: check_file(file) for file in sys.argv[1:]}))
