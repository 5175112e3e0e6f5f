"""Our engine against llama.cpp: equal text first, then interleaved rounds of the same work, as ratios to stated targets. Exit
status 1 if the text differs where it must not.

usage: engine_llama.py BENCH_ENGINE_STEPS LLAMA_ENGINE|'' FOLDER SMOLLM2.gguf THREADS ROUNDS [text|q8_0|q4_0|muse]...
FOLDER holds smollm2-q8_0.gguf, -q4_0.gguf and -f32.gguf (made by the peer) and random-muse_spark, random-muse_glimmer. Both programs
answer the same commands (bench/engine_steps.cc). The peer runs each work in the best of its configurations (flash attention or
not, keys and values of 8 bits or not, one cache for all sequences or one each), chosen in a first round.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

AGREEMENT_TOKENS = 32
PROMPTS = [
    "The capital of France is", "Once upon a time, in a small village by the sea,", "The three primary colours are",
    "Photosynthesis is the process by which", "To make a cup of tea, first", "The largest planet in the solar system",
    "In 1969, the first people", "A good friend is someone who", "def fibonacci(n):", "The best way to learn a language is",
    "Water boils at", "The opposite of hot is", "Dear Sir or Madam,", "My favourite season is autumn because",
    "The heart pumps blood through", "1, 2, 3, 4, 5,", "She opened the door and saw", "Computers represent numbers as",
    "The history of bread begins", "If it rains tomorrow, we will",
]
# name, better when, target (ours/peer; a time's ratio must be at most its target)
TARGETS = [("decode", ">=", 1.6), ("prefill 512", ">=", 2.5), ("8 on shared 512", ">=", 3.0), ("8 on shared 2048", ">=", 5.0),
           ("peak memory", "<=", 1.1), ("load", "<=", 1.0)]


class Program:
    """One side's process. Times are in seconds, each prompt is a list of token ids."""

    def __init__(self, command, packed=""):
        """packed: the folder where ours keeps packed weights, if not the environment's."""
        environment = {**os.environ, "MELETE_PACKED_CACHE": packed} if packed else None
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.read()
        self.load_seconds = time.perf_counter() - start

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench engine: {self.process.args[0]} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, ours, peer, folder, threads, rounds):
        self.ours, self.peer, self.folder, self.threads, self.rounds = ours, peer, folder, threads, rounds
        self.random = random.Random(1)

    def start_ours(self, model, *weights, packed=""):
        return Program([self.ours, model, str(self.threads), *weights], packed)

    def start_peer(self, model, context, sequences, *flags):
        return Program([self.peer, model, str(self.threads), str(context), str(sequences), *flags])

    def prompt(self, length):  # a new one each time, so that no cache of prompts answers it
        return [self.random.randrange(1000, 40000) for _ in range(length)]

    def sides(self, model, context, sequences):
        """Name and program of ours and of each configuration of the peer."""
        started = [("ours", self.start_ours(model))]
        if self.peer:
            for flags in [(), ("flash",), ("flash", "kv8")] + ([("flash", "split")] if sequences > 1 else []):
                started.append((" ".join(flags) or "plain", self.start_peer(model, context, sequences, *flags)))
        return started


def greedy_texts(side, texts):
    return [side.ask("greedy", AGREEMENT_TOKENS, *ids) for ids in texts]


def compared(label, pairs):
    """How many of the pairs of greedy texts are equal; of the others where they first differ, and how near to a tie that was."""
    equal = [a["ids"] == b["ids"] for a, b in pairs]
    print(f"  {label}: equal greedy text for {AGREEMENT_TOKENS} tokens: {sum(equal)} of {len(pairs)}")
    for text, (a, b), is_equal in zip(PROMPTS, pairs, equal):
        if not is_equal:
            at = next(i for i, (x, y) in enumerate(zip(a["ids"], b["ids"])) if x != y)
            print(f"    differs: {text!r} at token {at}: logit gaps {a['gaps'][at]:.3f} and {b['gaps'][at]:.3f}")
    return all(equal)


def agreement(bench, folder):
    """Whether both sides continue each prompt alike: in float32, where they must. Beside it what rounding of weights, activations,
    keys and values does to it, which both sides do in their own ways: ours against the peer, and the peer against itself."""
    model = f"{folder}/smollm2-f32.gguf"
    ours, peer = bench.start_ours(model), bench.start_peer(model, 512, 1, "kv32")
    texts = [ours.ask("ids", text)["ids"] for text in PROMPTS]
    same_ids = sum(ids == peer.ask("ids", text)["ids"] for ids, text in zip(texts, PROMPTS))
    print(f"the same text: equal tokens of the prompts: {same_ids} of {len(PROMPTS)}")
    agrees = compared("float32, ours and peer", list(zip(greedy_texts(ours, texts), greedy_texts(peer, texts))))
    for side in (ours, peer):
        side.close()
    for name in ("q8_0", "q4_0"):
        model, found = f"{folder}/smollm2-{name}.gguf", []
        for side in (bench.start_ours(model), bench.start_peer(model, 512, 1), bench.start_peer(model, 512, 1, "flash", "kv8")):
            found.append(greedy_texts(side, texts))
            side.close()
        compared(f"{name.upper()}, ours and peer", list(zip(found[0], found[1])))
        compared(f"{name.upper()}, peer with keys and values of 16 bits and of 8", list(zip(found[1], found[2])))
    return agrees and same_ids == len(PROMPTS)


def rounds_of(bench, sides, work, rounds):
    """Medians of `work(program)` by side; after a first round the peer's best configuration alone goes on."""
    first = {name: work(program) for name, program in sides}
    keys = first["ours"].keys()
    best = {key: min((name for name in first if name != "ours"), key=lambda name: first[name][key], default=None) for key in keys}
    kept = [(name, program) for name, program in sides if name == "ours" or name in best.values()]
    samples = {name: [] for name, _ in kept}
    for _ in range(rounds):
        for name, program in kept:
            samples[name].append(work(program))
    median = lambda name, key: statistics.median(sample[key] for sample in samples[name])
    return {key: (median("ours", key), median(best[key], key) if best[key] else None, best[key]) for key in keys}


def speeds(bench, model):
    """Tokens a second of (ours, peer, peer's configuration) by work, and our step ratios."""
    def short(program):
        seconds = {"prefill 512": program.ask("prompt", *bench.prompt(512))["seconds"] / 512}
        seconds["decode"] = program.ask("steps", 1, 48)["seconds"] / 48
        seconds["8 on shared 512"] = program.ask("steps", 8, 24)["seconds"] / (24 * 8)
        return seconds

    def long(program):
        return {"1 on 2048": program.ask("steps", 1, 24)["seconds"] / 24,
                "8 on shared 2048": program.ask("steps", 8, 16)["seconds"] / (16 * 8)}

    results = {}
    sides = bench.sides(model, 768, 8)
    results.update(rounds_of(bench, sides, short, bench.rounds))
    for _, program in sides:
        program.close()
    sides, prompt = bench.sides(model, 2304, 8), bench.prompt(2048)
    for _, program in sides:
        program.ask("prompt", *prompt)
    results.update(rounds_of(bench, sides, long, bench.rounds))
    for _, program in sides:
        program.close()
    return results


def memory_and_load(bench, model):
    """Peak bytes after a prompt of 512 and 128 tokens, seconds from the program's start to the first token's logits, and of them
    those of loading. "first": ours with an empty folder for packed weights, as at a model's first start; "ours": at later ones,
    which find them there. Both have the model's file in memory, as the peer has."""
    def one(program):
        program.ask("prompt", *bench.prompt(8))
        first = time.perf_counter() - start
        program.ask("prompt", *bench.prompt(512))
        program.ask("steps", 1, 128)
        row = (program.ask("peak")["peak_bytes"], first, program.load_seconds)
        program.close()
        return row

    samples = {"ours": [], "first": [], "peer": []}
    bench.start_ours(model).close()
    for _ in range(bench.rounds):
        for name in samples:
            if name == "peer" and not bench.peer:
                continue
            with tempfile.TemporaryDirectory(dir=bench.folder) as empty:
                start = time.perf_counter()
                samples[name].append(one(bench.start_peer(model, 768, 1, "flash") if name == "peer" else
                                         bench.start_ours(model, packed=empty if name == "first" else "")))
    return {name: [statistics.median(values) for values in zip(*rows)] for name, rows in samples.items() if rows}


def judged(name, ours, peer):
    """One row: both values' ratio and whether it meets the target."""
    if peer is None:
        return "-"
    target = next((t for t in TARGETS if t[0] == name), None)
    ratio = ours / peer
    if target is None:
        return f"{ratio:.2f}"
    met = ratio >= target[2] if target[1] == ">=" else ratio <= target[2]
    return f"{ratio:.2f}   {target[1]} {target[2]}  {'met' if met else 'MISSED'}"


def roofline(machine, model, results):
    decode, prefill = 1 / results["decode"][0], 1 / results["prefill 512"][0]
    peak = machine["int8_per_s"] or machine["f32_per_s"]
    print(f"  share of the machine: decode {100 * decode * model['bytes'] / machine['bytes_per_s']:.0f} % of the read bandwidth "
          f"({decode * model['bytes'] * 1e-9:.1f} GB/s of weights), prefill {100 * prefill * model['weights'] / peak:.0f} % of the "
          f"int8 peak ({prefill * model['weights'] * 1e-9:.0f} Gmadd/s)")


def compare(bench, name, model):
    print(f"\nSmolLM2-135M {name}, {bench.threads} threads, medians of {bench.rounds}")
    probe = bench.start_ours(model)
    machine, weights = probe.ask("machine"), probe.ask("model")
    probe.close()
    results = speeds(bench, model)
    print(f"  {'':18} {'ours':>10} {'peer':>10}  ours/peer   target")
    for key in ("decode", "prefill 512", "8 on shared 512", "8 on shared 2048"):
        ours, peer, how = results[key]
        rate = [1 / ours, 1 / peer if peer else None]
        peer_text = f"{rate[1]:10.1f}" if peer else f"{'-':>10}"
        print(f"  {key:18} {rate[0]:10.1f} {peer_text}  {judged(key, *rate)}" + (f"   (peer: {how})" if how else "") + "   tok/s")
    ratio = 8 * results["8 on shared 512"][0] / results["decode"][0]
    longer = 8 * results["8 on shared 2048"][0] / results["1 on 2048"][0]
    print(f"  one step of eight sequences to one of one: {ratio:.2f} at 512 (<= 1.5 {'met' if ratio <= 1.5 else 'MISSED'}), "
          f"{longer:.2f} at 2048")
    used = memory_and_load(bench, model)
    for label, which, i, scale, unit in [
            ("peak memory", "ours", 0, 2**-20, "MiB"), ("  at first start", "first", 0, 2**-20, "MiB"),
            ("load", "ours", 1, 1e3, "ms to the first token, packed weights kept by an earlier start"),
            ("  of it loading", "ours", 2, 1e3, "ms"),
            ("load, first time", "first", 1, 1e3, "ms to the first token, an empty folder for packed weights"),
            ("  of it loading", "first", 2, 1e3, "ms")]:
        ours, peer = used[which][i] * scale, used["peer"][i] * scale if "peer" in used else None
        peer_text = f"{peer:10.1f}" if peer else f"{'-':>10}"
        print(f"  {label:18} {ours:10.1f} {peer_text}  {judged(label, ours, peer)}   {unit}")
    roofline(machine, weights, results)


def muse(bench, folder, name):
    ours = bench.start_ours(f"{folder}/random-{name}", "w8a8")  # the arithmetic of a Q8_0 file
    weights = ours.ask("model")

    def work(program):
        seconds = {"prefill 512": program.ask("prompt", *bench.prompt(512))["seconds"] / 512}
        seconds["decode"] = program.ask("steps", 1, 48)["seconds"] / 48
        return seconds

    results = rounds_of(bench, [("ours", ours)], work, bench.rounds)
    print(f"\n{name} with random 8-bit weights of the same sizes ({weights['weights'] / 1e6:.0f} M multiplied a token): "
          f"decode {1 / results['decode'][0]:.1f}, prefill {1 / results['prefill 512'][0]:.0f} tok/s")
    roofline(ours.ask("machine"), weights, results)
    ours.close()


def main():
    ours, peer, folder, smollm2, threads, rounds, *parts = sys.argv[1:]
    parts = parts or ["text", "q8_0", "q4_0", "muse"]
    packed = tempfile.TemporaryDirectory(dir=folder)  # not the user's
    os.environ["MELETE_PACKED_CACHE"] = packed.name
    bench = Bench(ours, peer, folder, int(threads), int(rounds))
    probe = bench.start_ours(smollm2)
    m = probe.ask("machine")
    probe.close()
    print(f"machine ({m['isa']}), {threads} threads: read {m['bytes_per_s'] * 1e-9:.1f} GB/s, float32 {m['f32_per_s'] * 1e-9:.0f} "
          f"and int8 {m['int8_per_s'] * 1e-9:.0f} Gmadd/s")
    if peer and "text" in parts and not agreement(bench, folder):
        sys.exit("bench engine: both sides must continue every prompt alike in float32; see above where they don't")
    for name in ("q8_0", "q4_0"):
        if peer and name in parts:
            compare(bench, name.upper(), f"{folder}/smollm2-{name}.gguf")
    if not peer:
        compare(bench, "as fetched", smollm2)
    for name in ("muse_spark", "muse_glimmer"):
        if "muse" in parts:
            muse(bench, folder, name)


main()
