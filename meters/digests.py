"""A day's readings named by sixteen bytes, so that what comes again needn't be read to be known.

Most of what a source sends is stored already. Whoever knows the digest of a stored day and finds
the same over the readings that have come knows all its values, without PostgreSQL having to send
them, which takes one function call for each.

References
----------
SHA-256 (FIPS 180-4), cut to 128 bits as NIST SP 800-107 has it: two different days have one digest
by chance once in 2^64 days, and nobody can make another day of a digest that is given.
"""

from hashlib import sha256

import numpy as np
import numpy.typing as npt

SIZE = 16
Digests = npt.NDArray[np.void]
# Of what is hashed, for the key and for each reading [B].
WIDTH = 16
KIND = np.dtype(f"V{SIZE}")


def digests(
    register: npt.NDArray[np.int64],
    day: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    instants: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    qualities: npt.NDArray[np.int16],
) -> Digests:
    """Name k register-days by their n readings; those that differ in any bit are named otherwise.

    The register and the day are part of it, so no two rows are named alike.

    Parameters
    ----------
    register, day
        Primary key, and days since 1970-01-01, shape ``(k,)``.
    counts
        How many readings each has, shape ``(k,)``.
    instants, values, qualities
        The readings that there are, day by day and in order, shape ``(n,)``.

    Returns
    -------
    Sixteen bytes each, shape ``(k,)``.
    """
    # Instants fit below 2^47 and qualities below 2^16, so each pair is one number of its own.
    records = np.empty((len(instants), 2), dtype="<i8")
    records[:, 0] = (instants << 16) | qualities
    records[:, 1] = values.view(np.int64)
    readings, keys = records.tobytes(), np.stack((register, day), axis=1, dtype="<i8").tobytes()
    ends = np.cumsum(counts) * WIDTH
    begins = ends - counts * WIDTH
    places = range(0, len(keys), WIDTH)
    bounds = zip(places, begins.tolist(), ends.tolist(), strict=True)
    named = [
        sha256(keys[at : at + WIDTH] + readings[begin:end]).digest()[:SIZE]
        for at, begin, end in bounds
    ]
    return np.frombuffer(b"".join(named), dtype=KIND)
