"""Starts Python with a module and measures its time and memory: python start_python.py <module> <distribution>"""

import json
import subprocess
import sys
import time
from importlib import metadata

module, distribution = sys.argv[1:3]
code = f"import resource, {module}; print('rss', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
start = time.perf_counter()
output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
seconds = time.perf_counter() - start
rss = float(output.rsplit("rss ", 1)[1]) / 1024
print(json.dumps({"nanoseconds": seconds * 1e9, "rss": rss, "version": metadata.version(distribution)}))
