"""Writes a small random checkpoint and what transformers computes with it: the oracle of the model's tests.

usage: make_fixture.py OUT_DIR --kind dense|sparse|glimmer [--seed N]

OUT_DIR gets config.json, model.safetensors (float32) and oracle.safetensors with, for each case, <case>.input_ids
int64 [1, T], its media inputs as transformers takes them, <case>.logits float32 [1, T, V], and for the case "greedy"
<case>.output_ids int64 [1, prompt + 24]. Needs: pip install torch torchvision transformers safetensors. Only the
author of a fixture runs this; the tests read the files in testdata/oracle.
"""
import argparse
import os

import torch
import transformers
from safetensors.torch import save_file

VOCAB, WIDTH = 160, 48
IMAGE, VIDEO, AUDIO = 150, 151, 152
NUM_LAYERS = 5  # the fewest that have a layer of each kind, global at both ends
PATCH_WIDTH = 2 * 3 * 14 * 14
SAMPLES_PER_TOKEN = 1920


def make_model(kind):
    text = dict(vocab_size=VOCAB, hidden_size=WIDTH, intermediate_size=96, num_hidden_layers=NUM_LAYERS,
                num_attention_heads=3, num_key_value_heads=1, head_dim=16, max_position_embeddings=512, sliding_window=8,
                bos_token_id=1, eos_token_id=2, rope_parameters={"rope_type": "default", "rope_theta": 500000.0})
    vision = dict(patch_size=14, pos_emb_height=4, pos_emb_width=4, num_attention_heads=2, num_hidden_layers=5,
                  hidden_size=24, intermediate_size=40, patch_temporal=2, merge_size=2, max_position_embeddings=16)
    shared = dict(vision_config=vision, image_token_id=IMAGE, video_token_id=VIDEO, out_hidden_size=96,
                  projector_hidden_size=40)
    if kind == "glimmer":
        config = transformers.MuseGlimmerConfig(text_config=text, **shared)
        return transformers.MuseGlimmerForConditionalGeneration(config)
    kinds = ["sparse" if kind == "sparse" and i % 2 else "dense" for i in range(NUM_LAYERS)]
    text |= dict(moe_intermediate_size=20, num_local_experts=6, num_experts_per_tok=2, moe_hidden_size=28,
                 mlp_layer_types=kinds)
    audio = dict(hidden_sizes=(6, 8, 12, 16), depths=(1, 2, 1, 2), out_hidden_size=WIDTH)
    config = transformers.MuseSparkConfig(text_config=text, audio_config=audio, audio_token_id=AUDIO, **shared)
    return transformers.MuseSparkForConditionalGeneration(config)


@torch.no_grad()
def randomize(model):
    """Random values everywhere, so that no default hides a missing term."""
    for _, weight in model.named_parameters():
        scale = 0.3 if weight.ndim == 1 else max(1, weight.shape[-1]) ** -0.5
        weight.copy_(torch.randn_like(weight) * scale)
    for name, buffer in model.named_buffers():
        if "correction_bias" in name:
            buffer.copy_(torch.randn_like(buffer) * 0.2)


def words(count):
    return torch.randint(3, 140, (count,)).tolist()


def patches(*grids):
    rows = sum(t * h * w for t, h, w in grids)
    return torch.randn(rows, PATCH_WIDTH), torch.tensor(grids)


@torch.no_grad()
def make_cases(model, has_audio):
    cases = {}

    def add(name, ids, **media):
        ids = torch.tensor([ids])
        cases[f"{name}.input_ids"] = ids
        cases[f"{name}.logits"] = model(input_ids=ids, **media).logits.contiguous()
        for key, value in media.items():
            cases[f"{name}.{key}"] = value.contiguous()

    add("text", words(40))
    pixels, grid = patches((1, 6, 10))
    add("image", words(5) + [IMAGE] * 15 + words(7), pixel_values=pixels, image_grid_thw=grid)
    pixels, grid = patches((1, 4, 6), (1, 8, 2))
    add("two_images", words(3) + [IMAGE] * 6 + words(4) + [IMAGE] * 4 + words(5), pixel_values=pixels, image_grid_thw=grid)
    pixels, grid = patches((2, 4, 6))
    add("video", words(4) + [VIDEO] * 6 + words(2) + [VIDEO] * 6 + words(6), pixel_values_videos=pixels, video_grid_thw=grid)
    if has_audio:
        clip = torch.randn(1, 6 * SAMPLES_PER_TOKEN) * 0.3
        add("audio", words(4) + [AUDIO] * 6 + words(6), input_values=clip)
        pixels, grid = patches((1, 4, 4))
        clip = torch.randn(1, 3 * SAMPLES_PER_TOKEN) * 0.1
        add("image_and_audio", words(2) + [IMAGE] * 4 + words(3) + [AUDIO] * 3 + words(4), pixel_values=pixels,
            image_grid_thw=grid, input_values=clip)
    prompt = torch.tensor([words(12)])
    cases["greedy.input_ids"] = prompt
    cases["greedy.output_ids"] = model.generate(input_ids=prompt, max_new_tokens=24, do_sample=False, eos_token_id=None,
                                                pad_token_id=0)
    add("placeholders_without_media", words(3) + [IMAGE] * 2 + words(2) + [VIDEO] + ([AUDIO] if has_audio else []) + words(3))
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--kind", choices=["dense", "sparse", "glimmer"], required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    os.makedirs(arguments.out, exist_ok=True)
    model = make_model(arguments.kind).eval().float()
    randomize(model)
    model.save_pretrained(arguments.out)
    for name in os.listdir(arguments.out):
        if name == "generation_config.json":
            os.remove(os.path.join(arguments.out, name))
    cases = make_cases(model, has_audio=arguments.kind != "glimmer")
    save_file(cases, os.path.join(arguments.out, "oracle.safetensors"))
    print(f"{len(cases)} tensors, {sum(w.numel() for w in model.parameters())} parameters")


if __name__ == "__main__":
    main()
