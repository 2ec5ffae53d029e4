"""Prints YAML files as one JSON object, by file name.

    python read_yaml.py <file>...

YAML 1.1, which this package reads, takes the key `on` for a boolean: it is printed as "true".
"""

import json
import sys

import yaml

files = {}
for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as stream:
        files[file] = yaml.safe_load(stream)
print(json.dumps(files))
