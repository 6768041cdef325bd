"""Philox4x32-10 (Salmon et al., SC 2011) and the dropout masks drawn from it."""

import numpy as np

Array = np.ndarray

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = np.uint64(0xFFFFFFFF)


def philox4x32(counter: Array, key: tuple[int, int]) -> Array:
    """Ten rounds of Philox, for 32-bit words.

    The counter (…, 4) has its low word first, the key has two words. Returns words (…, 4).
    """
    c = [counter[..., i].astype(np.uint64) for i in range(4)]
    k = list(key)
    for _ in range(10):
        product0 = c[0] * np.uint64(_MULTIPLIERS[0])
        product1 = c[2] * np.uint64(_MULTIPLIERS[1])
        c = [
            (product1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]),
            product1 & _MASK,
            (product0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]),
            product0 & _MASK,
        ]
        k = [(k[0] + _WEYL[0]) & 0xFFFFFFFF, (k[1] + _WEYL[1]) & 0xFFFFFFFF]
    return np.stack(c, axis=-1).astype(np.uint32)


def dropout_words(seed: int, training_pass: int, layer: int, rows: int, columns: int) -> Array:
    """One word per activation, (rows, columns).

    Key (seed low, seed high), counter (column / 4, row, stream low, stream high), word column % 4.
    The stream is 2^63 | layer << 48 | pass. Its upper bit separates it from other uses of the seed.
    """
    blocks = (columns + 3) // 4
    counter = np.zeros((rows, blocks, 4), dtype=np.uint64)
    counter[..., 0] = np.arange(blocks)[None, :]
    counter[..., 1] = np.arange(rows)[:, None]
    stream = 1 << 63 | layer << 48 | training_pass
    counter[..., 2] = stream & 0xFFFFFFFF
    counter[..., 3] = stream >> 32
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return words.reshape(rows, blocks * 4)[:, :columns]


def dropout_keep(words: Array, probability: float) -> Array:
    """Kept activations: those with a word of at least p 2^32, rounded to a whole number."""
    return words >= np.round(probability * 2.0**32)
