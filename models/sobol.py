"""Scrambled Sobol points, the same to the bit as SciPy's, without what importing those costs.

`scipy.stats` takes half a second to import, a quarter of a whole estimate. Points are made here
from SciPy's own direction numbers (Joe and Kuo 2008, SIAM Journal on Scientific Computing 30) and
scrambled as SciPy does it, by a random lower triangular matrix and a random shift (Matousek 1998,
Journal of Complexity 14); a test holds the two to the same bits.
"""

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Words = NDArray[np.uint32]

BITS = 30  # of a point, as SciPy has them


def sobol_points(
    n_dimensions: int, exponent: int, rng: np.random.Generator, replicates: int = 1
) -> Array:
    """Return the first points of a scrambled Sobol sequence, or of several, one after the other.

    Sequences share the matrix and have a shift each, so given the matrix they are independent, and
    each is uniform: means over them spread as their differences say (Owen 2013, Monte Carlo theory,
    methods and examples, section 17.5).

    Parameters
    ----------
    n_dimensions : int
        Up to 21,201.
    exponent : int
        Of the number of points of a sequence, a power of two.
    rng : numpy.random.Generator
    replicates : int
        How many sequences.

    Returns
    -------
    (replicates * 2**exponent, n_dimensions) array
        Between 0 and 1, 1 left out.

    Raises
    ------
    ValueError
        If there are no direction numbers for so many dimensions.

    Examples
    --------
    >>> points = sobol_points(2, 3, np.random.default_rng(1))
    >>> sorted((points[:, 1] * 8).astype(int).tolist())  # one in every eighth
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    columns = _generating_columns(n_dimensions)
    (rng,) = rng.spawn(1)  # as SciPy does
    shift = _shift(n_dimensions, rng)
    triangles = np.tril(rng.integers(2, size=(n_dimensions, BITS, BITS), dtype=np.uint32))
    columns = _scrambled(columns, triangles)
    words = np.empty((2**exponent, n_dimensions), np.uint32)
    words[0] = shift
    for k in range(exponent):  # in the order of the reflected code, as is usual
        n = 2**k
        words[n : 2 * n] = words[n - 1 :: -1] ^ columns[:, k] if k else words[:1] ^ columns[:, 0]
    if replicates > 1:
        shifts = np.array([_shift(n_dimensions, rng) for _ in range(replicates - 1)])
        shifted = words ^ shift ^ shifts[:, None]
        words = np.concatenate([words, shifted.reshape(-1, n_dimensions)])
    return words / 2.0**BITS


def _shift(n_dimensions: int, rng: np.random.Generator) -> Words:
    powers = np.uint32(2) ** np.arange(BITS, dtype=np.uint32)
    return np.asarray(rng.integers(2, size=(n_dimensions, BITS), dtype=np.uint32) @ powers)


def _scrambled(columns: Words, triangles: Words) -> Words:
    """Multiply generating matrices by lower triangular ones, bit by bit."""
    diagonal = np.arange(BITS)
    triangles[:, diagonal, diagonal] = 1
    places = np.arange(BITS - 1, -1, -1, dtype=np.uint32)  # the first bit is the highest
    bits = (columns[:, :, None] >> places) & 1  # (dimension, column, bit)
    products = np.matmul(bits.astype(np.float32), triangles.transpose(0, 2, 1).astype(np.float32))
    return np.asarray((products.astype(np.uint32) & 1) @ (np.uint32(1) << places))


@lru_cache(maxsize=8)
def _generating_columns(n_dimensions: int) -> Words:
    """Direction numbers of each dimension, (n_dimensions, BITS), before scrambling."""
    polynomials, starts = _direction_numbers()
    if n_dimensions > len(polynomials):
        raise ValueError(
            f"n_dimensions: found {n_dimensions}, expected at most {len(polynomials):,}"
        )
    columns = np.ones((n_dimensions, BITS), dtype=np.int64)
    for d in range(1, n_dimensions):
        polynomial = int(polynomials[d])
        degree = polynomial.bit_length() - 1
        row = [int(x) for x in starts[d, :degree]]
        for j in range(degree, BITS):
            word = row[j - degree]
            for k in range(degree):
                if polynomial >> (degree - 1 - k) & 1:
                    word ^= row[j - k - 1] << (k + 1)
            row.append(word)
        columns[d] = row
    return (columns << np.arange(BITS - 1, -1, -1)).astype(np.uint32)


@lru_cache(maxsize=1)
def _direction_numbers() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    with (files("scipy") / "stats" / "_sobol_direction_numbers.npz").open("rb") as file:
        table = np.load(file)
        return table["poly"], table["vinit"]
