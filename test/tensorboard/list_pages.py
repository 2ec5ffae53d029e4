"""Prints the pages whose list of tags fails for a run, with TensorBoard's Python reader: JSON, by run directory.

    python list_pages.py <log directory>

Each run is read on its own, because over HTTP one run makes the page fail for all.
"""

import json
import os
import sys

from tensorboard.context import RequestContext
from tensorboard.data.provider import RunTagFilter
from tensorboard.backend.event_processing import data_ingester, data_provider, plugin_event_multiplexer

PAGES = {
    "list_scalars": ["scalars"],
    "list_tensors": ["histograms", "text", "pr_curves", "mesh", "hparams", "custom_scalars"],
    "list_blob_sequences": ["images", "audio", "graphs", "graph_run_metadata", "graph_tagged_run_metadata"],
}


def read_layout(provider):
    tag = "custom_scalars__config__"
    found = provider.read_tensors(
        RequestContext(),
        experiment_id="",
        plugin_name="custom_scalars",
        run_tag_filter=RunTagFilter(tags=[tag]),
        downsample=1,
    )
    for tags in found.values():
        tags[tag][0].numpy.item()


def failing_pages(directory):
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        size_guidance=data_ingester.DEFAULT_SIZE_GUIDANCE,
        tensor_size_guidance=data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE,
    )
    multiplexer.AddRunsFromDirectory(directory)
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, directory)
    failing = []
    for method, plugins in PAGES.items():
        for plugin in plugins:
            try:
                found = getattr(provider, method)(RequestContext(), experiment_id="", plugin_name=plugin)
                if plugin == "images":
                    # As in images_plugin.py.
                    [series.max_length - 2 for tags in found.values() for series in tags.values()]
                if plugin == "custom_scalars":
                    # As in custom_scalars_plugin.py.
                    read_layout(provider)
            except (KeyError, TypeError, IndexError):
                failing.append(plugin)
    return sorted(failing)


root = sys.argv[1]
print(json.dumps({run: failing_pages(os.path.join(root, run)) for run in sorted(os.listdir(root))}))
