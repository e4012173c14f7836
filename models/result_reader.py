"""Take out of a saved result what a comparison needs: run as a program by `result_files`.

HDF5 may not come back from a damaged file, nor say how much it is going to unpack, so this is done
in a process of its own that can be ended, with a limit on its memory. It imports nothing of this
package, and writes the arrays to its standard output.
"""

import io
import os
import sys
from typing import Any

MAX_BYTES = 2**31  # of address space; most of it is what libraries set aside
MAX_RATIO = 100  # bytes of data to one of the file: results are saved as they are, not packed
MAX_OBJECTS = 100_000  # groups and datasets
ARRAYS = ("class_probability", "fate_probability")
LABELS = ("class", "fate")


def main(path: str) -> None:
    """Read the file and write an `.npz` of its parts."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # every thread sets memory aside
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    except (ImportError, ValueError):  # not on every system
        pass
    import h5py
    import numpy as np

    with h5py.File(path, "r") as file:
        sizes: list[int] = []

        def look(_: str, thing: object) -> None:
            sizes.append(thing.nbytes if isinstance(thing, h5py.Dataset) else 0)
            if len(sizes) > MAX_OBJECTS or sum(sizes) > MAX_RATIO * os.path.getsize(path):
                raise ValueError

        file.visititems(look)
        posterior = file["posterior"]
        found: dict[str, Any] = {name: np.asarray(posterior[name][...], float) for name in ARRAYS}
        found |= {name: np.array([x.decode() for x in posterior[name][...]]) for name in LABELS}
        meta = np.frombuffer(str(file.attrs["meta"]).encode(), np.uint8)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, meta=meta, **found)
    sys.stdout.buffer.write(out.getbuffer())


if __name__ == "__main__":
    main(sys.argv[1])
