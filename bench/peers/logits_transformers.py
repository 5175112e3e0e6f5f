"""Logits of models by our engine against transformers on the same weights, in float32.

usage: logits_transformers.py MELETE MODEL...
A MODEL is a folder that transformers loads, or a llama or gemma3 GGUF file, whose blocks are then widened to float32. Prints for
each model, case and kind of weights the largest difference of logits (and the largest logit), the mean KL divergence, how often
the likeliest token agrees and how many of the greedy tokens do. Exit status 5: torch, transformers or gguf is missing; 1: float32
weights differ by more than 1e-3 of the largest logit or in a greedy token. (pip install torch transformers gguf)
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import gguf
    import numpy as np
    import torch
    import transformers
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}; pip install torch transformers gguf", file=sys.stderr)
    sys.exit(5)

LENGTHS = (40, 600)  # the second is longer than gemma's window
NEW_TOKENS = 16
LIMIT = 1e-3
LAYER_NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
NORMS = {"llama": {"ffn_norm": "post_attention_layernorm"},
         "gemma3": {"post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
                    "post_ffw_norm": "post_feedforward_layernorm"}}
TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


class File:
    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.family = self.value("general.architecture")

    def value(self, key, otherwise=None):
        field = self.reader.fields.get(key)
        return otherwise if field is None else field.contents()

    def own(self, key, otherwise=None):
        return self.value(f"{self.family}.{key}", otherwise)

    def config(self):
        heads, width = self.own("attention.head_count"), self.own("embedding_length")
        common = dict(
            vocab_size=len(self.value("tokenizer.ggml.tokens")), hidden_size=width, intermediate_size=self.own("feed_forward_length"),
            num_hidden_layers=self.own("block_count"), num_attention_heads=heads,
            num_key_value_heads=self.own("attention.head_count_kv", heads), rms_norm_eps=self.own("attention.layer_norm_rms_epsilon"),
            head_dim=self.own("attention.key_length", width // heads), max_position_embeddings=self.own("context_length"),
            tie_word_embeddings=not any(t.name == "output.weight" for t in self.reader.tensors))
        if self.family == "llama":
            return transformers.LlamaConfig(**common, rope_parameters={"rope_type": "default",
                                                                       "rope_theta": self.own("rope.freq_base", 10000.0)})
        return transformers.Gemma3TextConfig(
            **common, sliding_window=self.own("attention.sliding_window"), query_pre_attn_scalar=common["head_dim"],
            rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": self.own("rope.freq_base")},
                             "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})

    def weights(self, config):
        """The tensors as transformers names and lays them out."""
        names = {**LAYER_NAMES, **NORMS[self.family]}
        weights = {}
        for tensor in self.reader.tensors:
            values = torch.from_numpy(np.array(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))
            base = tensor.name.removesuffix(".weight")
            if base == "rope_freqs":
                continue
            if base in TOP_NAMES:
                name = TOP_NAMES[base]
            else:
                _, layer, part = base.split(".")
                name = f"model.layers.{layer}.{names[part]}"
                if self.family == "llama" and part in ("attn_q", "attn_k"):  # the file has rotary pairs beside each other
                    values = values.reshape(-1, config.head_dim // 2, 2, values.shape[1]).transpose(1, 2).reshape(values.shape)
            if self.family == "gemma3" and "norm" in name:
                values = values - 1
            weights[name + ".weight"] = values
        return weights


def folder_reference(path):
    """transformers' own model of a folder, and the number of its tokens."""
    config = transformers.AutoConfig.from_pretrained(path)
    kind = transformers.AutoModelForImageTextToText if config.model_type.startswith("muse_") else transformers.AutoModelForCausalLM
    return kind.from_pretrained(path, dtype=torch.float32, attn_implementation="eager"), config.get_text_config()


def file_reference(path):
    file = File(path)
    config = file.config()
    kind = {"llama": transformers.LlamaForCausalLM, "gemma3": transformers.Gemma3ForCausalLM}[file.family]
    model = kind(config)
    missing, unexpected = model.load_state_dict(file.weights(config), strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        sys.exit(f"{path}: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    return model, config


def run_reference(model, cases):
    """Logits and greedy tokens of each case, and apart from those the logits that each greedy token was chosen by."""
    model.eval()
    outputs, steps = {}, {}
    with torch.no_grad():
        for name, ids in cases.items():
            outputs[f"{name}.logits"] = model(ids).logits.float()
            done = model.generate(ids, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False,
                                  output_logits=True, return_dict_in_generate=True)
            outputs[f"{name}.output_ids"] = done.sequences
            steps[name] = torch.cat(done.logits)
    return outputs, steps


def divergence(theirs, ours):
    a, b = theirs.double().log_softmax(-1), ours.double().log_softmax(-1)
    return (a.exp() * (a - b)).sum(-1).mean().item()


def cases_of(config):
    """Random text, as long as the model's positions allow; ordinary tokens only."""
    torch.manual_seed(1)
    first, last = (300, 40000) if config.vocab_size > 1000 else (3, config.vocab_size // 2)
    room = config.max_position_embeddings - NEW_TOKENS
    return {f"tokens{length}": torch.randint(first, min(config.vocab_size, last), (1, length))
            for length in sorted({min(length, room) for length in LENGTHS})}


def row_of(expected, steps, ours, name):
    """The table's cells for one case, and whether it is within the limit of float32. Where the reference's logits of both tokens
    are nearer than that, either is as good, and what comes after can't be compared."""
    a, b = expected[f"{name}.logits"][0], ours[f"{name}.logits"].reshape(expected[f"{name}.logits"].shape)[0]
    far, largest = (a - b).abs().max().item(), a.abs().max().item()
    theirs_ids, our_ids = expected[f"{name}.output_ids"][0], ours[f"{name}.output_ids"].flatten()
    theirs_ids, our_ids = theirs_ids[-NEW_TOKENS:], our_ids[-NEW_TOKENS:]
    greedy = int((theirs_ids == our_ids).long().cumprod(0).sum())
    tie = greedy < NEW_TOKENS and (steps[greedy][theirs_ids[greedy]] - steps[greedy][our_ids[greedy]]).item() <= LIMIT * largest
    top = 100 * (a.argmax(-1) == b.argmax(-1)).float().mean().item()
    return (f"{far:10.2e} {largest:8.2f} {divergence(a, b):10.2e} {top:8.2f} {greedy:5} of {NEW_TOKENS}{'  then a tie' if tie else ''}",
            far <= LIMIT * largest and (greedy == NEW_TOKENS or tie))


def main():
    melete, *models = sys.argv[1:]
    failed = False
    transformers.utils.logging.disable_progress_bar()
    print(f"{'model':34} {'case':10} {'weights':7} {'difference':>10} {'of most':>8} {'KL':>10} {'top-1 %':>8} {'greedy':>11}")
    for path in models:
        is_file = path.endswith(".gguf")
        model, config = file_reference(path) if is_file else folder_reference(path)
        cases = cases_of(config)
        expected, steps = run_reference(model, cases)
        del model
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            save_file({f"{name}.input_ids": ids for name, ids in cases.items()} |
                      {name: value.contiguous() for name, value in expected.items()}, folder / "cases.safetensors")
            for weights in ("f32", "auto") if is_file else ("f32", "w8"):
                subprocess.run([melete, "debug", "logits", path, folder / "cases.safetensors", folder / "out.safetensors", "--weights",
                                weights], check=True, stdout=subprocess.DEVNULL)
                ours = load_file(folder / "out.safetensors")
                for name in cases:
                    cells, good = row_of(expected, steps[name], ours, name)
                    good = good or weights != "f32"
                    failed = failed or not good
                    label = f"{pathlib.Path(path).stem} ({config.model_type.removesuffix('_text')})"
                    print(f"{label:34} {name:10} {weights:7} {cells}  {'ok' if good else 'FAIL'}", flush=True)
    sys.exit(1 if failed else 0)


main()
