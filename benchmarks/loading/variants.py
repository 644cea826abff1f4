"""The web process with another collector of garbage: `benchmarks.loading.variants:application`.

`VARIANT` says which: `thawed`, as if nothing had been frozen after the start, `rarely`, frozen and
run ten times as seldom.
"""

import gc
import os

from config.wsgi import application

__all__ = ["application"]

match os.environ["VARIANT"]:
    case "thawed":
        gc.unfreeze()
    case "rarely":
        gc.set_threshold(7_000, 10, 10)
    case unknown:
        raise SystemExit(f"VARIANT={unknown!r} is unknown.")
