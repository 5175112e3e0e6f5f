#!/usr/bin/env python3
"""Loads a model folder of Melete with stock transformers and compares tokens, pixels, samples and logits.

usage: tools/check_hf.py DIR [--melete build/release/melete] [--executor engine|torch]

Prints a table of differences and PASS (exit code 0) or FAIL (1). Exit code 2: it could not run, because the Python
packages or the built program are absent. Needs: pip install torch torchvision transformers pillow.
"""
import argparse
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import wave

try:
    import numpy as np
    import torch
    import torchvision  # noqa: F401, transformers' image processor needs it and says so late
    import transformers
    from PIL import Image, ImageDraw
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print(f"check_hf: transformers can't be used here: {error}; run: pip install torch torchvision transformers pillow",
          file=sys.stderr)
    sys.exit(2)

LINES = [
    "How many red shapes are there?", "  two  spaces,\ttabs", "12345 + 678 = 13,023", "It's the user's own don't-care.",
    "naïve café – “quoted” …", "Привет, мир! Как дела?", "你好,世界。今天是星期六。", "こんにちは、元気ですか?", "مرحبا بالعالم",
    "नमस्ते दुनिया", "emoji 😀👩‍👩‍👧 done", "def f(x):    return x**2  # code", "{\"a\": [1, 2.5, null]}", "a,b;c|d",
    "https://example.org/?q=1&r=%20", "ALL CAPS and MixedCase", "x" * 50, "Ünïcödé ÅÄÖ ß", "Ελληνικά και ζωή", "한국어 문장입니다.",
]
QUESTION = "What do you see and hear?"
SAMPLE_RATE_HZ = 24000
NEW_TOKENS = 16
LOGIT_LIMIT = 1e-4        # absolute, of capped logits
PIXEL_LIMIT = 2.0         # mean absolute difference in steps of 1/255
SAMPLE_LIMIT = 1e-4


class Table:
    """Rows of (what, difference, limit); failed if a difference isn't within its limit."""

    def __init__(self):
        self.failed = False

    def add(self, what, difference, limit, unit=""):
        good = difference <= limit  # False for NaN
        self.failed = self.failed or not good
        print(f"{what:<44} {difference:>12.6g} {'<=' if good else '> '} {limit:<8g} {unit:<18} {'ok' if good else 'FAIL'}",
              flush=True)

    def ids(self, what, theirs, ours):
        theirs, ours = list(map(int, theirs)), list(map(int, ours))
        wrong = abs(len(theirs) - len(ours)) + sum(a != b for a, b in zip(theirs, ours))
        self.add(what, wrong, 0, f"ids of {len(theirs)}")
        if wrong:
            at = next((i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b), min(len(theirs), len(ours)))
            print(f"    first difference at {at}: transformers {theirs[at:at + 8]}, melete {ours[at:at + 8]}")


def find_melete(given):
    root = pathlib.Path(__file__).resolve().parent.parent
    for path in [given] if given else [root / "build/release/melete", root / "build/test/melete", shutil.which("melete")]:
        if path and os.access(path, os.X_OK):
            return str(path)
    print("check_hf: the program melete isn't built; run: ./dev build", file=sys.stderr)
    sys.exit(2)


def run(arguments, text=None):
    done = subprocess.run(arguments, input=text, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        print(f"check_hf: {' '.join(arguments)}\n{done.stderr.strip()}", file=sys.stderr)
        print("FAIL")
        sys.exit(1)
    return done.stdout


def write_media(folder):
    """A picture whose size isn't a multiple of 28, and a clip whose length isn't a multiple of 1920."""
    picture = Image.new("RGB", (250, 170), (235, 240, 230))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 30, 110, 120), fill=(200, 40, 50))
    draw.rectangle((130, 60, 230, 150), fill=(30, 90, 200))
    for x in range(250):
        draw.point((x, (x * 7) % 170), fill=(x, 255 - x, 90))
    picture.save(folder / "picture.png")
    steps = np.arange(int(SAMPLE_RATE_HZ * 0.55))
    samples = np.round(12000 * np.sin(steps * 2 * math.pi * 440 / SAMPLE_RATE_HZ) * np.exp(-steps / 9000)).astype("<i2")
    with wave.open(str(folder / "clip.wav"), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(SAMPLE_RATE_HZ)
        clip.writeframes(samples.tobytes())
    return picture, samples.astype(np.float32) / 32768


def load(folder, table):
    processor = transformers.AutoProcessor.from_pretrained(folder)
    model, info = transformers.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    wrong = sum(len(info.get(key, ())) for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    table.add("weights missing, unexpected or misshapen", wrong, 0, "tensors")
    print(f"    {type(model).__name__}, {type(processor).__name__}, {type(processor.tokenizer).__name__}, "
          f"{sum(w.numel() for w in model.parameters()):,} parameters")
    return processor, model.eval()


def check_tokenizer(folder, melete, processor, table):
    ours = run([melete, "tokenizer", "encode", folder, "--lines"], "\n".join(LINES) + "\n").splitlines()
    theirs = [processor.tokenizer(line, add_special_tokens=False)["input_ids"] for line in LINES]
    table.add("lines of text with other token ids", sum(list(map(int, o.split())) != t for o, t in zip(ours, theirs)) +
              abs(len(ours) - len(theirs)), 0, f"of {len(LINES)}")


def inputs_of(processor, content):
    messages = [{"role": "user", "content": content}]
    return processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True,
                                         return_tensors="pt")


def check_prompt(folder, melete, name, theirs, files, scratch, table):
    out = scratch / "prompt.safetensors"
    run([melete, "debug", "prompt", folder, str(out), "--text", QUESTION] + [part for file in files for part in ("--file", str(file))])
    ours = {key.removeprefix("prompt."): value for key, value in load_file(out).items()}
    table.ids(f"{name}: prompt", theirs["input_ids"][0], ours["input_ids"][0])
    for key, limit, scale, unit in [("pixel_values", PIXEL_LIMIT, 127.5, "mean, in 1/255"), ("input_values", SAMPLE_LIMIT, 1, "largest")]:
        if key not in theirs and key not in ours:
            continue
        if key not in theirs or key not in ours or theirs[key].shape != ours[key].shape:
            print(f"    {key}: transformers {tuple(theirs[key].shape) if key in theirs else None}, "
                  f"melete {tuple(ours[key].shape) if key in ours else None}")
            table.add(f"{name}: {key} shape", math.inf, 0)
            continue
        difference = (theirs[key].float() - ours[key]).abs() * scale
        table.add(f"{name}: {key}", (difference.mean() if "mean" in unit else difference.max()).item(), limit, unit)
    if "image_grid_thw" in theirs:
        table.ids(f"{name}: image_grid_thw", theirs["image_grid_thw"].flatten(), ours["image_grid_thw"].flatten())


@torch.no_grad()
def add_case(cases, model, name, inputs):
    kept = {k: v for k, v in inputs.items() if k in ("input_ids", "pixel_values", "image_grid_thw", "input_values", "input_values_mask")}
    for key, value in kept.items():
        value = value.long() if key in ("image_grid_thw", "input_values_mask") else value
        cases[f"{name}.{key}"] = value.contiguous()
    cases[f"{name}.logits"] = model(**kept).logits.float().contiguous()
    # The mask is stated, since generate() would take every padding id in the prompt for padding.
    cases[f"{name}.output_ids"] = model.generate(**kept, attention_mask=torch.ones_like(kept["input_ids"]), do_sample=False,
                                                 max_new_tokens=NEW_TOKENS, eos_token_id=None, pad_token_id=0)


def check_logits(folder, melete, executor, cases, scratch, table):
    save_file(cases, scratch / "cases.safetensors")
    run([melete, "debug", "logits", folder, str(scratch / "cases.safetensors"), str(scratch / "out.safetensors"), "--executor", executor])
    ours = load_file(scratch / "out.safetensors")
    for name in sorted(key.removesuffix(".logits") for key in cases if key.endswith(".logits")):
        difference = (ours[f"{name}.logits"] - cases[f"{name}.logits"]).abs().max().item()
        table.add(f"{name}: logits ({executor})", difference, LOGIT_LIMIT, "largest")
        table.ids(f"{name}: greedy continuation ({executor})", cases[f"{name}.output_ids"][0], ours[f"{name}.output_ids"][0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--melete")
    parser.add_argument("--executor", choices=["engine", "torch"], default="engine")
    arguments = parser.parse_args()
    melete = find_melete(arguments.melete)
    table = Table()
    torch.manual_seed(0)
    processor, model = load(arguments.folder, table)
    has_audio = getattr(processor, "feature_extractor", None) is not None
    check_tokenizer(arguments.folder, melete, processor, table)
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        picture, samples = write_media(scratch)
        image = ({"type": "image", "image": picture}, scratch / "picture.png")
        audio = ({"type": "audio", "audio": samples}, scratch / "clip.wav")
        question = {"type": "text", "text": QUESTION}
        cases = {}
        chats = {"text": [], "image": [image]} | ({"audio": [audio], "both": [image, audio]} if has_audio else {})
        for chat, media in chats.items():
            inputs = inputs_of(processor, [part for part, _ in media] + [question])
            check_prompt(arguments.folder, melete, chat, inputs, [file for _, file in media], scratch, table)
            add_case(cases, model, chat, inputs)
        check_logits(arguments.folder, melete, arguments.executor, cases, scratch, table)
    print("FAIL" if table.failed else "PASS")
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
