"""Writes testdata/media/samples: one small file of each format and variant, for decode_test.

    python tools/oracle/media_samples.py testdata/media/samples

Needs pillow, numpy and the ffmpeg program. Pictures show, upright: left half red, right half green above blue.
Sounds are 0.25 s of 440 Hz at half of full scale. Clips are six frames of the picture, 0.2 s each, rolled 5 pixels to
the right a frame.
"""
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES, FRAME_MS = 90, 60, 6, 200
UNDO = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
        6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}


def picture():
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] = [255, 0, 0]
    pixels[: HEIGHT // 2, WIDTH // 2 :] = [0, 255, 0]
    pixels[HEIGHT // 2 :, WIDTH // 2 :] = [0, 0, 255]
    return Image.fromarray(pixels)


def write_pictures(folder, image):
    image.save(folder / "rgb.png")
    image.convert("P", palette=Image.ADAPTIVE).save(folder / "palette.png", bits=2)
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
    cut = image.copy()
    cut.putalpha(alpha)
    cut.save(folder / "transparent.png")
    cut.save(folder / "transparent.webp", lossless=True)
    wide = np.asarray(image.convert("L")).astype(np.uint16) * 257
    Image.fromarray(wide).save(folder / "grey16.png")
    options = {"quality": 92, "subsampling": 0}
    image.save(folder / "rgb.jpg", **options)
    image.save(folder / "progressive.jpg", progressive=True, **options)
    image.convert("CMYK").save(folder / "cmyk.jpg", **options)
    image.convert("L").save(folder / "grey.jpg", **options)
    for orientation, undo in UNDO.items():
        exif = Image.Exif()
        exif[0x112] = orientation
        image.transpose(undo).save(folder / f"turned{orientation}.jpg", exif=exif, **options)
    exif = Image.Exif()
    exif[0x112] = 6
    image.transpose(UNDO[6]).save(folder / "turned6.png", exif=exif)
    image.transpose(UNDO[6]).save(folder / "turned6.webp", exif=exif, lossless=True)
    image.save(folder / "lossy.webp", quality=90)
    image.save(folder / "lossless.webp", lossless=True)
    image.save(folder / "still.gif")
    frames = [Image.fromarray(np.roll(np.asarray(image), 5 * k, 1)) for k in range(FRAMES)]
    for name in ("moving.gif", "moving.webp"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], duration=FRAME_MS, lossless=True, loop=0)
    return frames


def ffmpeg(*arguments, data=None):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-bitexact", *map(str, arguments)], input=data, check=True)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    frames = write_pictures(folder, picture())
    raw = b"".join(frame.tobytes() for frame in frames)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", 1000 // FRAME_MS, "-i", "pipe:0"]
    for name in ("clip.mp4", "clip.webm", "clip.mkv", "clip.avi"):
        ffmpeg(*source, "-pix_fmt", "yuv420p", "-flags:v", "+bitexact", folder / name, data=raw)
    ffmpeg("-i", folder / "clip.mp4", "-c", "copy", "-metadata:s:v", "rotate=90", folder / "turned.mp4")
    tone = ["-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*440*t):s=24000:d=0.25"]
    for name in ("tone.wav", "tone.flac", "tone.ogg", "tone.mp3", "tone.aiff", "tone.m4a"):
        ffmpeg(*tone, "-flags:a", "+bitexact", folder / name)
    ffmpeg(*tone, "-ac", 2, "-af", "pan=stereo|c0=c0|c1=0*c0", folder / "left.wav")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
