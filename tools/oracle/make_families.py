"""Writes a small random checkpoint of each open family and what transformers computes with it.

usage: make_families.py OUT_DIR [KIND ...]

OUT_DIR/<kind> gets config.json, model.safetensors (float32) and oracle.safetensors with <case>.input_ids int64 [1, T],
<case>.logits float32 [1, T, V] and, for the case "greedy", <case>.output_ids. Needs: pip install torch transformers
safetensors. Only the author of a fixture runs this; the tests read the files in testdata/families.
"""
import argparse
import json
import os

import torch
import transformers
from safetensors.torch import save_file

VOCAB = 64
SHAPE = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 16}


def llama(rope, **more):
    config = transformers.LlamaConfig(**SHAPE, num_hidden_layers=2, rope_parameters=rope, **more)
    return transformers.LlamaForCausalLM(config)


def qwen2():
    config = transformers.Qwen2Config(**SHAPE, num_hidden_layers=3, use_sliding_window=True, sliding_window=6,
                                      max_window_layers=2, tie_word_embeddings=True,
                                      rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})
    return transformers.Qwen2ForCausalLM(config)


def qwen3():
    config = transformers.Qwen3Config(**SHAPE, num_hidden_layers=2, head_dim=16, tie_word_embeddings=True,
                                      rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})
    return transformers.Qwen3ForCausalLM(config)


def gemma3(**more):
    rope = {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
    config = transformers.Gemma3TextConfig(**SHAPE, num_hidden_layers=4, head_dim=16, sliding_window=6,
                                           query_pre_attn_scalar=10, rope_parameters=rope,
                                           layer_types=["sliding_attention", "sliding_attention", "full_attention",
                                                        "sliding_attention"], **more)
    return transformers.Gemma3ForCausalLM(config)


KINDS = {
    "llama": lambda: llama({"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=True),
    "llama3": lambda: llama(LLAMA3, attention_bias=True, mlp_bias=True),
    "qwen2": qwen2,
    "qwen3": qwen3,
    "gemma3": gemma3,
    "gemma3_capped": lambda: gemma3(final_logit_softcapping=3.0),
}


@torch.no_grad()
def randomize(model):
    """Random values everywhere, so that no default hides a missing term."""
    for _, weight in model.named_parameters():
        scale = 0.3 if weight.ndim == 1 else max(1, weight.shape[-1]) ** -0.5
        weight.copy_(torch.randn_like(weight) * scale)


@torch.no_grad()
def make_cases(model):
    ids = torch.randint(3, VOCAB, (1, 40))
    greedy = torch.randint(3, VOCAB, (1, 12))
    # A length that the end token can't cut short.
    output = model.generate(greedy, attention_mask=torch.ones_like(greedy), do_sample=False, min_new_tokens=24,
                            max_new_tokens=24, eos_token_id=None)
    return {"text.input_ids": ids, "text.logits": model(input_ids=ids).logits.contiguous(),
            "greedy.input_ids": greedy, "greedy.output_ids": output}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    args = parser.parse_args()
    for seed, kind in enumerate(args.kinds):
        torch.manual_seed(seed)
        model = KINDS[kind]().eval().float()
        randomize(model)
        folder = os.path.join(args.out_dir, kind)
        os.makedirs(folder, exist_ok=True)
        model.save_pretrained(folder)
        generation = os.path.join(folder, "generation_config.json")
        if os.path.exists(generation):
            os.remove(generation)
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        config.pop("transformers_version", None)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(config, file, indent=2)
            file.write("\n")
        save_file(make_cases(model), os.path.join(folder, "oracle.safetensors"))


if __name__ == "__main__":
    main()
