"""Look through a saved result, and take out one part: run as a program by `result_files`.

HDF5 may not come back from a damaged file, nor say how much it is going to unpack, so this is done
in a process of its own that can be ended, with a limit on its memory. It imports nothing of this
package, and writes the arrays to its standard output; what is wrong goes to standard error.
"""

import io
import math
import os
import sys
from typing import Any, BinaryIO

MAX_MEMORY = 2**31  # bytes of address space; most of it is what libraries set aside
MAX_RATIO = 100  # bytes of data to one of the file: results are saved as they are, not packed
MAX_OBJECTS = 100_000  # groups and datasets
MAX_NAME = 1000  # letters; names are made of ids, of which each has at most 100
BLOCK = 2**24  # bytes that are read at a time
HEAP = b"GCOL\x01\0\0\0"  # how a heap of texts begins: its signature and its version
HEAD, ENTRY = 16, 16  # bytes before the first entry of a heap, and before the bytes of an entry
ARRAYS = ("class_probability", "fate_probability")
LABELS = ("class", "fate")
REFUSED = 3  # exit code: what is wrong is on standard error


class RefusedError(Exception):
    """What is wrong with a file: a clause that begins with "found"."""


def require(right: bool, sentence: str) -> None:
    """Refuse the file unless something is right."""
    if not right:
        raise RefusedError(sentence)


def require_heaps_that_end(path: str) -> None:
    """Refuse a heap of texts whose entries lead HDF5 round in a circle.

    HDF5 goes from entry to entry by the size that each of them states. Free space counts its own
    head, so that one of size zero is followed by itself, and HDF5 never comes back from it.
    """
    with open(path, "rb") as file:
        for start in _starts(file):
            file.seek(start + len(HEAP))
            size = int.from_bytes(file.read(8), "little")
            require(size <= os.path.getsize(path), "found a heap of texts larger than the file")
            require(_ends(file, start, size), "found a heap of texts that does not end")


def _starts(file: BinaryIO) -> list[int]:
    """Give where the heaps of texts begin."""
    starts: list[int] = []
    place, tail = 0, b""
    while block := file.read(BLOCK):
        text = tail + block
        position = text.find(HEAP)
        while position >= 0:
            starts.append(place - len(tail) + position)
            position = text.find(HEAP, position + 1)
        place += len(block)
        tail = text[1 - len(HEAP) :]
    return starts


def _ends(file: BinaryIO, start: int, size: int) -> bool:
    """Walk over the entries of a heap as HDF5 does."""
    step = HEAD
    while step + ENTRY <= size:
        file.seek(start + step)
        entry = file.read(ENTRY)
        length = int.from_bytes(entry[8:], "little")
        is_free = entry[:2] == b"\0\0"
        if is_free and not length:
            return False
        step += length if is_free else ENTRY + -(-length // 8) * 8
    return True


class Look:
    """One walk through a file: groups of one level, with plain values of their own."""

    def __init__(self, path: str, *, whole: bool) -> None:
        self.room: float = MAX_RATIO * os.path.getsize(path)
        self.whole = whole
        self.objects = 0
        self.addresses: set[int] = set()

    def take(self, size: float) -> None:
        """Count bytes that are unpacked."""
        self.room -= size
        require(self.room >= 0, "found more data than a file of this size can hold")

    def group(self, group: Any, depth: int = 0) -> None:
        """Look through a group and what is in it."""
        import h5py

        self.once(group)
        self.attributes(group)
        for name in group:
            self.objects += 1
            require(self.objects <= MAX_OBJECTS, "found more parts than any result has")
            require(
                isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME,
                "found a name that cannot be shown",
            )
            link = group.get(name, getlink=True)
            require(isinstance(link, h5py.HardLink), "found a link to something else")
            thing = group[name]
            if isinstance(thing, h5py.Group):
                require(depth == 0, "found a group within a group")
                self.group(thing, depth + 1)
            else:
                require(isinstance(thing, h5py.Dataset), "found a part that is no array")
                self.dataset(thing)

    def once(self, thing: Any) -> None:
        """Refuse what hangs in two places, or in itself."""
        import h5py

        address = h5py.h5o.get_info(thing.id).addr
        require(address not in self.addresses, "found a part that hangs in two places")
        self.addresses.add(address)

    def dataset(self, data: Any) -> None:
        """Look at an array: its type, its place, its size, and all of it on request."""
        import h5py

        self.once(data)
        require(not data.external and not data.is_virtual, "found values that are in other files")
        text = h5py.check_string_dtype(data.dtype) is not None
        require(text or data.dtype.kind in "fiub", "found values of another type")
        self.take(max(data.nbytes, math.prod(data.chunks or ()) * data.dtype.itemsize))
        self.attributes(data)
        if self.whole and data.size:
            self.values(data, text)

    def values(self, data: Any, text: bool) -> None:
        """Read all values, some of them at a time."""
        rows = data.shape[0] if data.ndim else 1
        step = max(1, BLOCK * rows // max(1, data.nbytes)) if data.ndim else 1
        for start in range(0, rows, step):
            block = data[start : start + step] if data.ndim else data[()]
            if text:
                texts = block.ravel() if data.ndim else [block]
                self.take(sum(map(len, texts)))

    def attributes(self, thing: Any) -> None:
        """Look at what is noted on a part: its size, and all of it on request."""
        for name in thing.attrs:
            note = thing.attrs.get_id(name)
            self.take(math.prod(note.shape) * note.dtype.itemsize)
            if self.whole:
                _ = thing.attrs[name]


def parts(file: Any) -> dict[str, Any]:
    """Take out what a comparison needs."""
    import numpy as np

    posterior = file["posterior"]
    for name in (*ARRAYS, *LABELS):
        require(name in posterior, "found a result without odds")
    arrays: dict[str, Any] = {name: np.asarray(posterior[name][...], float) for name in ARRAYS}
    arrays |= {name: np.array([x.decode() for x in posterior[name][...]]) for name in LABELS}
    meta = file.attrs["meta"]
    require(isinstance(meta, str), "found a result that does not say what it is")
    return {**arrays, "meta": np.frombuffer(meta.encode(), np.uint8)}


def main(path: str, part: str, seconds: str) -> None:
    """Look through a file, for its `odds` or the `whole` of it, and write an `.npz` of its odds.

    It ends by a signal after so many seconds of a processor, however busy the machine is.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # every thread sets memory aside
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        limit = math.ceil(float(seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
    except (ImportError, ValueError):  # not on every system
        pass
    import h5py
    import numpy as np

    try:
        require_heaps_that_end(path)
        with h5py.File(path, "r") as file:
            Look(path, whole=part == "whole").group(file)
            require("posterior" in file and "meta" in file.attrs, "found a file that is no result")
            arrays = parts(file)
    except RefusedError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    sys.stdout.buffer.write(out.getbuffer())


if __name__ == "__main__":
    main(*sys.argv[1:])
