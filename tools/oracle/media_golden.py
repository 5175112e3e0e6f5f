"""Writes testdata/media: what the reference processor makes of pictures and clips, for preprocess_test.

    python tools/oracle/media_golden.py testdata/media

Needs torch, torchvision >= 0.27, transformers >= 5.23 and pillow. Inputs are drawn here from a fixed seed: several
octaves of smooth noise, hard edges and fine lines, so they have the frequencies of a photo.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from transformers.models.muse_glimmer.image_processing_muse_glimmer import MuseGlimmerImageProcessor, smart_resize
from transformers.models.muse_glimmer.video_processing_muse_glimmer import MuseGlimmerVideoProcessor
from transformers.video_utils import VideoMetadata

CELL = 28
HALF = [0.5, 0.5, 0.5]


def photo(rng, width, height):
    picture = np.zeros((height, width, 3))
    for octave in range(1, 7):
        side = 2**octave
        grid = rng.uniform(-1, 1, (side + 1, side + 1, 3)) / octave
        layer = [Image.fromarray(grid[..., c].astype(np.float32)).resize((width, height), Image.BICUBIC) for c in range(3)]
        picture += np.stack([np.asarray(c) for c in layer], -1)
    y, x = np.mgrid[0:height, 0:width]
    picture[(x - width * 0.3) ** 2 + (y - height * 0.6) ** 2 < (height * 0.25) ** 2] += [1.5, -0.7, 0.2]
    picture[(x // 3 + y // 2) % 7 == 0] -= 0.6
    return np.clip(picture * 70 + 120, 0, 255).astype(np.uint8)


def clip_frame(index, width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([((x * 7 + y * 13 + index * 29 + c * 53) % 256).astype(np.uint8) for c in range(3)], -1)


def samples(rng, rows):
    picks = [(int(rng.integers(rows.shape[0])), int(rng.integers(rows.shape[1]))) for _ in range(200)]
    return [[r, c, float(rows[r, c])] for r, c in picks]


def pixels_of(rows, grid_h, grid_w):
    """The first frame of patch rows as 8-bit pixels; exact, since every value came from one."""
    values = rows.reshape(grid_h, grid_w, 2, 3, 14, 14)[:, :, 0].permute(0, 3, 1, 4, 2).reshape(grid_h * 14, grid_w * 14, 3)
    return (values * 127.5 + 127.5).round().to(torch.uint8).numpy()


def main(folder):
    rng = np.random.default_rng(23)
    golden = {"sizes": [], "frames": [], "pictures": []}
    for _ in range(400):
        height, width = (int(v) for v in np.exp(rng.uniform(1, 8, 2)))
        if rng.random() < 0.4:
            width = height
        cap = int(rng.choice([1, 4, 16, 36, 144, 256, 4096]))
        target = smart_resize(height, width, CELL, cap)
        golden["sizes"].append([width, height, cap, target[1], target[0]])
    for cells in range(1, 64):  # two squares are equally good for each of these: which one wins is an accident to keep
        side = cells * CELL + CELL // 2
        target = smart_resize(side, side, CELL, 4096)
        golden["sizes"].append([side, side, 4096, target[1], target[0]])

    image_processor = MuseGlimmerImageProcessor(image_mean=HALF, image_std=HALF)
    cases = [("photo.png", 150, 110, 4096), ("photo.jpg", 333, 217, 20), ("tall.jpg", 64, 201, 4096)]
    for name, width, height, cap in cases:
        picture = Image.fromarray(photo(rng, width, height))
        picture.save(folder / name, **({"quality": 88} if name.endswith("jpg") else {"optimize": True}))
        out = image_processor(Image.open(folder / name), max_image_tokens=cap, return_tensors="pt")
        _, grid_h, grid_w = out["image_grid_thw"][0].tolist()
        expected = name.replace(".", "_") + "_expected.png"
        Image.fromarray(pixels_of(out["pixel_values"], grid_h, grid_w)).save(folder / expected, optimize=True)
        golden["pictures"].append({"file": name, "expected": expected, "max_tokens": cap, "grid": [1, grid_h, grid_w],
                                   "samples": samples(rng, out["pixel_values"])})

    video_processor = MuseGlimmerVideoProcessor(image_mean=HALF, image_std=HALF)
    for _ in range(200):
        total, fps = int(np.exp(rng.uniform(0, 8))), float(rng.choice([1, 2, 5, 10, 12.5, 24, 25, 30, 60]))
        indices = video_processor.sample_frames(VideoMetadata(total_num_frames=total, fps=fps), temporal_patch_size=2)
        golden["frames"].append([total, fps, indices.tolist()])
    total, fps, width, height = 31, 12.5, 90, 70
    frames = np.stack([clip_frame(i, width, height) for i in range(total)])
    metadata = VideoMetadata(total_num_frames=total, fps=fps, width=width, height=height)
    out = video_processor([frames], video_metadata=[metadata], max_video_frame_tokens=6, return_metadata=True,
                          return_tensors="pt")
    golden["clip"] = {"frames": total, "fps": fps, "width": width, "height": height, "max_tokens": 6,
                      "grid": out["video_grid_thw"][0].tolist(), "samples": samples(rng, out["pixel_values_videos"]),
                      "group_times": [float(t) for t in out["video_metadata"][0].timestamps[::2]]}
    (folder / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
