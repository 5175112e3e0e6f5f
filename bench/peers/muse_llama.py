"""First-token logits and greedy answers of an exported model in llama.cpp beside our own.

usage: muse_llama.py MELETE MODEL MTMD_PROBE FOLDER, where FOLDER has nano-TYPE.gguf and mmproj-nano-TYPE.gguf of `melete export`.
Exit status 1: an answer of the float32 export differs, or its logits by more than 1 % of the largest. (Pictures are resized by
each side's own code, so pixels may differ by a rounding.)
"""
import json
import subprocess
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

CASES = [("What is 2 + 3?", None), ("How many red shapes are there?", "examples/shapes.png"),
         ("Which digits were said?", "examples/digits.wav")]
START = "<|begin_of_text|><|start|>user<|message|>"
END, ANSWER = "<|eot|><|start|>assistant", " to=user<|message|>"
LIMIT = 0.01


def divergence(a, b):
    a, b = a - np.logaddexp.reduce(a), b - np.logaddexp.reduce(b)
    return float((np.exp(a) * (a - b)).sum())


def our_logits(melete, model, folder, question, medium):
    """After the prompt and the header of an answer, from the model's own folder in float32."""
    prompt, out = f"{folder}/prompt.safetensors", f"{folder}/logits.safetensors"
    files = ["--file", medium] if medium else []
    subprocess.run([melete, "debug", "prompt", model, prompt, "--text", question, *files], check=True, stdout=subprocess.DEVNULL)
    tokens = json.load(open(f"{model}/tokenizer.json"))["added_tokens"]
    header = next(token["id"] for token in tokens if token["content"] == ANSWER)
    tensors = load_file(prompt)
    ids = tensors["prompt.input_ids"]
    tensors["prompt.input_ids"] = np.concatenate([ids, np.array([[header]], ids.dtype)], 1)
    save_file(tensors, prompt)
    subprocess.run([melete, "debug", "logits", model, prompt, out, "--weights", "f32"], check=True, stdout=subprocess.DEVNULL)
    logits = load_file(out)["prompt.logits"]
    return logits.reshape(-1, logits.shape[-1])[-1].astype(np.float64)


def our_answer(melete, model, question, medium):
    files = ["--file", medium] if medium else []
    done = subprocess.run([melete, "ask", "--model", model, "-q", "--mode", "instant", "--temperature", "0", *files, question],
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()


def their_answer(probe, folder, kind, question, medium):
    with open(f"{folder}/prompt.txt", "w") as file:
        file.write(START + ("<__media__>" if medium else "") + question + END + ANSWER)
    done = subprocess.run([probe, f"{folder}/nano-{kind}.gguf", f"{folder}/mmproj-nano-{kind}.gguf" if medium else "-",
                           f"{folder}/prompt.txt", f"{folder}/logits.f32", *([medium] if medium else [])],
                          check=True, capture_output=True, text=True)
    return done.stdout.strip(), np.fromfile(f"{folder}/logits.f32", np.float32).astype(np.float64)


def main():
    melete, model, probe, folder = sys.argv[1:]
    failed = False
    for question, medium in CASES:
        ours, answer = our_logits(melete, model, folder, question, medium), our_answer(melete, model, question, medium)
        print(f"{question} ({medium or 'text'}): ours {answer!r}")
        for kind in ("f32", "q8_0", "q4_0"):
            theirs_answer, theirs = their_answer(probe, folder, kind, question, medium)
            far = float(np.abs(theirs - ours).max())
            print(f"  llama.cpp {kind}: {theirs_answer!r}, first token's logits differ by at most {far:.2e} of "
                  f"{np.abs(ours).max():.1f}, KL {divergence(ours, theirs):.2e}", flush=True)
            failed = failed or kind == "f32" and (far > LIMIT * np.abs(ours).max() or theirs_answer != answer)
    sys.exit(1 if failed else 0)


main()
