"""Logits of a llama or gemma3 GGUF file by our engine against transformers on the same dequantised weights, in float32.

usage: logits_transformers.py MELETE MODEL.gguf...
Prints for each model and kind of weights the largest difference of logits (and the largest logit), the mean KL divergence, how
often the likeliest token agrees and how many of the greedy tokens do. Exit status 5: torch, transformers or gguf is missing;
1: float32 weights differ by more than 1e-3 of the largest logit or in a greedy token.
(pip install torch transformers gguf)
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


def reference(path, cases):
    file = File(path)
    config = file.config()
    kind = {"llama": transformers.LlamaForCausalLM, "gemma3": transformers.Gemma3ForCausalLM}[file.family]
    model = kind(config)
    missing, unexpected = model.load_state_dict(file.weights(config), strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        sys.exit(f"{path}: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    model.eval()
    outputs = {}
    with torch.no_grad():
        for name, ids in cases.items():
            outputs[f"{name}.logits"] = model(ids).logits.float()
            outputs[f"{name}.output_ids"] = model.generate(ids, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS,
                                                           do_sample=False)
    return outputs


def divergence(theirs, ours):
    a, b = theirs.double().log_softmax(-1), ours.double().log_softmax(-1)
    return (a.exp() * (a - b)).sum(-1).mean().item()


def main():
    melete, *models = sys.argv[1:]
    failed = False
    for path in models:
        torch.manual_seed(1)
        size = len(File(path).value("tokenizer.ggml.tokens"))
        cases = {f"tokens{length}": torch.randint(300, min(size, 40000), (1, length)) for length in LENGTHS}
        expected = reference(path, cases)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            save_file({**{f"{name}.input_ids": ids for name, ids in cases.items()},
                       **{name: value.contiguous() for name, value in expected.items()}}, folder / "cases.safetensors")
            for weights in ("f32", "auto"):
                subprocess.run([melete, "debug", "logits", path, folder / "cases.safetensors", folder / "out.safetensors", "--weights",
                                weights], check=True, stdout=subprocess.DEVNULL)
                ours = load_file(folder / "out.safetensors")
                for name in cases:
                    a, b = expected[f"{name}.logits"][0], ours[f"{name}.logits"].reshape(expected[f"{name}.logits"].shape)[0]
                    far, largest = (a - b).abs().max().item(), a.abs().max().item()
                    theirs_ids, our_ids = expected[f"{name}.output_ids"][0], ours[f"{name}.output_ids"].flatten()
                    greedy = int((theirs_ids[-NEW_TOKENS:] == our_ids[-NEW_TOKENS:]).long().cumprod(0).sum())
                    print(f"{pathlib.Path(path).name} {name} weights {weights}: largest difference {far:.2e} of {largest:.1f}, "
                          f"KL {divergence(a, b):.2e}, top-1 {100 * (a.argmax(-1) == b.argmax(-1)).float().mean().item():.2f} %, "
                          f"greedy {greedy} of {NEW_TOKENS}", flush=True)
                    failed = failed or weights == "f32" and (far > LIMIT * largest or greedy < NEW_TOKENS)
    sys.exit(1 if failed else 0)


main()
