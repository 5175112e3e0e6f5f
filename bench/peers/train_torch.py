"""Training tokens a second: bench_train_steps against eager PyTorch (transformers' Muse Spark), interleaved.

usage: train_torch.py BENCH_TRAIN_STEPS THREADS
Both do the same steps (forward, backward, AdamW) on the same weights and batch; their losses must agree.
Without torch and transformers only our own rate is printed.
"""
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5


class Ours:
    def __init__(self, program, folder, threads):
        self.process = subprocess.Popen([program, folder, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tokens = int(self.process.stdout.readline().split()[1])

    def step(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        loss, seconds = self.process.stdout.readline().split()
        return float(loss), float(seconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    def __init__(self, folder, threads):
        import torch
        from safetensors.torch import load_file
        from transformers import MuseSparkForConditionalGeneration
        self.torch = torch
        torch.set_num_threads(threads)
        self.model = MuseSparkForConditionalGeneration.from_pretrained(f"{folder}/model", dtype=torch.float32).train()
        self.batch = load_file(f"{folder}/batch.safetensors")
        count, side = self.batch["input_values"].shape[0], 12
        self.grid = torch.tensor([[1, side, side]] * count)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.95), eps=1e-5, weight_decay=0)

    def step(self):
        torch, b = self.torch, self.batch
        start = time.perf_counter()
        self.optimizer.zero_grad()
        hidden = self.model.model(input_ids=b["input_ids"], pixel_values=b["pixel_values"], image_grid_thw=self.grid,
                                  input_values=b["input_values"], use_cache=False).last_hidden_state
        text = self.model.config.text_config
        logits = self.model.lm_head(hidden.flatten(0, 1)[b["rows"]]) * text.output_multiplier
        logits = text.final_logit_softcapping * torch.tanh(logits / text.final_logit_softcapping)
        loss = torch.nn.functional.cross_entropy(logits, b["targets"])
        loss.backward()
        self.optimizer.step()
        return loss.item(), time.perf_counter() - start


def main():
    program, threads = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(program, folder, threads)
        try:
            peer = Peer(folder, threads)
        except ImportError as error:
            print(f"peer skipped: {error}; pip install torch torchvision transformers safetensors, or set PYTHON")
            peer = None
        times, peer_times = [], []
        for round_index in range(ROUNDS + 1):  # the first round warms up
            loss, seconds = ours.step()
            times.append(seconds)
            if peer is None:
                continue
            peer_loss, seconds = peer.step()
            peer_times.append(seconds)
            # The same weights first; later the optimizer magnifies rounding: PyTorch in float64 is 7e-3 away from itself in
            # float32 after three steps.
            if abs(loss - peer_loss) > (1e-5 if round_index == 0 else 1e-2) * abs(peer_loss):
                sys.exit(f"step {round_index}: the losses must agree, got {loss} (ours) and {peer_loss} (peer)")
        rate = ours.tokens / statistics.median(times[1:])
        print(f"melete: {rate:.0f} tokens/s ({threads} threads, {ours.tokens} tokens a step, median of {ROUNDS})")
        if peer is not None:
            peer_rate = ours.tokens / statistics.median(peer_times[1:])
            print(f"eager PyTorch {peer.torch.__version__}: {peer_rate:.0f} tokens/s; last losses {loss:.5f} and {peer_loss:.5f}")
            print(f"ratio {rate / peer_rate:.2f}")
        ours.close()


main()
