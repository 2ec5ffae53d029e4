"""Makes the calls of Polyaxon's tracking library that a JSON file lists.

    python log_calls.py <calls.json>

The file holds {"run": arguments of Run, "calls": [[method, arguments], ...]}. Values that JSON lacks are objects with
one key that starts with "$": see `decode`. Prints the calls that Polyaxon rejects as a JSON list of [index, error].
"""

import json
import sys
import types

import numpy as np
import pandas as pd


def stand_in(name, **members):
    """Replaces a module that is large to install and only encodes its input."""
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


class ImageSequenceClip:
    """Replaces moviepy's class: writes frames to a GIF."""

    def __init__(self, frames, fps):
        self.frames, self.fps = frames, fps

    def write_gif(self, path, **_):
        from PIL import Image

        first, *others = [Image.fromarray(frame) for frame in self.frames]
        first.save(path, format="GIF", save_all=True, append_images=others, duration=1000 / self.fps)


stand_in("moviepy", editor=stand_in("moviepy.editor", ImageSequenceClip=ImageSequenceClip))
# Figures are passed as the JSON that bokeh generates from them.
stand_in("bokeh", embed=stand_in("bokeh.embed", json_item=lambda figure: figure))

from traceml.events import V1EventSpan  # noqa: E402
from traceml.tracking import Run  # noqa: E402


class Chart:
    """Replaces altair's class: returns its specification."""

    def __init__(self, spec):
        self.spec = spec

    def to_dict(self):
        return self.spec


DECODERS = {
    "$float": float,
    "$int": int,
    "$array": lambda array: np.array(array["values"], dtype=array["dtype"]).reshape(array["shape"]),
    "$frame": pd.DataFrame,
    "$chart": Chart,
    "$span": V1EventSpan.from_dict,
}


def decode(value):
    if len(value) == 1:
        (key, content), = value.items()
        if key in DECODERS:
            return DECODERS[key](content)
    return value


def main(path):
    with open(path, encoding="utf-8") as file:
        plan = json.load(file, object_hook=decode)
    refused = []
    run = Run(**plan["run"])
    for index, (method, arguments) in enumerate(plan["calls"]):
        try:
            getattr(run, method)(**arguments)
        except Exception as error:  # The test compares the rejected calls too.
            refused.append([index, f"{type(error).__name__}: {error}"])
    run.end()
    sys.stdout = sys.__stdout__
    print(json.dumps(refused))


main(sys.argv[1])
