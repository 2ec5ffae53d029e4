"""Reads spans with Polyaxon's classes, from JSON lines (argv[1]) and from an event file (argv[2]), and prints the result."""

import json
import sys

import orjson
from traceml.events.schemas import V1Events, V1EventSpan

with open(sys.argv[1], encoding="utf-8") as lines:
    alone = [V1EventSpan.from_dict(orjson.loads(line)).to_json() for line in lines]

with open(sys.argv[2], encoding="utf-8") as event_file:
    events = V1Events.read(kind="span", name="trace", data=event_file.read())
in_file = [events.get_event_at(index).span.to_json() for index in range(len(alone))]

print(json.dumps({"alone": alone, "inFile": in_file, "summary": events.get_summary()}))
