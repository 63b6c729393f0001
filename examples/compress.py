"""Compresses generated int8 weights as its arguments say, and prints how long that took and how small they became.

A program that `tuner` tunes knows nothing of it: it takes `--name=value` and prints one JSON object.
"""

import argparse
import json
import lzma
import os
import random
import statistics
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

SIZE = 8 << 20
ROW = 1024
PRUNED = 0.4
"""Share of the rows that hold nothing but zeros, as structured pruning leaves them."""

STRATEGIES = {
    "default": zlib.Z_DEFAULT_STRATEGY,
    "filtered": zlib.Z_FILTERED,
    "huffman": zlib.Z_HUFFMAN_ONLY,
    "rle": zlib.Z_RLE,
}


def weights(seed: int) -> bytes:
    """Normally distributed int8 numbers (standard deviation 9), some rows of which are pruned."""
    rng = random.Random(seed)
    normal = statistics.NormalDist(0, 9)
    quantiles = bytes(round(normal.inv_cdf((i + 0.5) / 256)) % 256 for i in range(256))
    data = bytearray(rng.randbytes(SIZE).translate(quantiles))
    for start in range(0, SIZE, ROW):
        if rng.random() < PRUNED:
            data[start : start + ROW] = bytes(ROW)
    return bytes(data)


def compressed_size(chunk: bytes, codec: str, level: int, strategy: str) -> int:
    """Bytes that a chunk becomes."""
    if codec == "lzma":
        return len(lzma.compress(chunk, preset=level))
    compressor = zlib.compressobj(level, strategy=STRATEGIES[strategy])
    return len(compressor.compress(chunk)) + len(compressor.flush())


def main() -> None:
    """Compress once: the tuner repeats a run as often as the noise asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codec", choices=["zlib", "lzma"], required=True)
    parser.add_argument("--level", type=int, required=True)
    parser.add_argument("--strategy", choices=STRATEGIES, default="default")
    parser.add_argument("--chunk_kib", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    wanted = parser.parse_args()

    data = weights(int(os.environ.get("TUNER_SEED", "0")))
    size = wanted.chunk_kib << 10
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    began = time.perf_counter()
    # Both compressors release the interpreter's lock.
    with ThreadPoolExecutor(wanted.threads) as pool:
        total = sum(pool.map(lambda chunk: compressed_size(chunk, wanted.codec, wanted.level, wanted.strategy), chunks))
    elapsed = time.perf_counter() - began
    print(json.dumps({"time_ms": elapsed * 1e3, "ratio": len(data) / total}))


if __name__ == "__main__":
    main()
