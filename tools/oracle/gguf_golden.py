"""Writes testdata/gguf/blocks.gguf and blocks.json: every block format that the reader takes, with the floats that the
`gguf` package makes of it.

    python tools/oracle/gguf_golden.py testdata/gguf

Needs the packages gguf and numpy. Values: two rows of 512 from a fixed seed, with rows of zeros, ties and large outliers
among the groups. Formats that the package can round to come with its bytes; the others with random bytes whose scales
are finite.
"""
import json
import pathlib
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter, quants

ROUNDED = [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]
DRAWN = [(Type.Q4_K, 144, [0, 2]), (Type.Q5_K, 176, [0, 2]), (Type.Q6_K, 210, [208])]


def values(rng):
    x = rng.normal(0, 1, (2, 512)).astype(np.float32)
    x[0, 32:64] = 0
    x[0, 64:96] = np.arange(32) / 2 - 8      # ties between two codes
    x[0, 96] = 1000
    x[1, :32] = -3.25                        # one value
    x[1, 32:64] *= 1e-6
    return x


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    x = values(rng)
    writer = GGUFWriter(folder / "blocks.gguf", "golden")
    writer.add_uint32("golden.count", 4000000000)
    writer.add_int8("golden.small", -5)
    writer.add_uint64("golden.huge", 2**64 - 1)
    writer.add_float32("golden.pi", 3.25)
    writer.add_float64("golden.e", 2.718281828459045)
    writer.add_bool("golden.yes", True)
    writer.add_string("golden.text", "Grüße")
    writer.add_array("golden.texts", ["a", "", "ß"])
    writer.add_array("golden.numbers", [1, -2, 3])
    writer.add_array("golden.floats", [0.5, 2.0])
    writer.add_array("golden.flags", [True, False, True])
    floats = {}
    writer.add_tensor("f32", x)
    writer.add_tensor("f16", x.astype(np.float16))
    floats["f32"] = x
    floats["f16"] = x.astype(np.float16).astype(np.float32)
    bits = quants.quantize(x, Type.BF16)
    writer.add_tensor("bf16", bits, raw_dtype=Type.BF16)
    floats["bf16"] = quants.dequantize(bits, Type.BF16)
    for kind in ROUNDED:
        bits = quants.quantize(x, kind)
        writer.add_tensor(kind.name.lower(), bits, raw_dtype=kind)
        floats[kind.name.lower()] = quants.dequantize(bits, kind)
    for kind, size, halves in DRAWN:
        blocks = rng.integers(0, 256, (4, size), dtype=np.uint8)
        for at in halves:
            blocks[:, at : at + 2] = rng.normal(0, 0.02, (4, 1)).astype(np.float16).view(np.uint8)
        bits = blocks.reshape(2, 2 * size)
        writer.add_tensor(kind.name.lower(), bits, raw_dtype=kind)
        floats[kind.name.lower()] = quants.dequantize(bits, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # Bit patterns, so that the test compares exactly: the last of each format's two rows, and a checksum of both.
    golden = {
        name: {
            "row": [int(v) for v in rows[1].astype(np.float32).view(np.uint32)[:288]],
            "sum": int(rows.astype(np.float32).view(np.uint32).astype(np.uint64).sum()),
        }
        for name, rows in floats.items()
    }
    (folder / "blocks.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main(pathlib.Path(sys.argv[1]))
