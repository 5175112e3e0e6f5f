"""Runs the parts of `./dev bench server`, prints the table, and fails where a line doesn't hold.

usage: server_lines.py BUILD SECONDS LLAMA_SERVER SMOLLM2
"""

import contextlib
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time

MODEL = "models/melete-nano"
CONNECTIONS, ROUNDS = 32, 5
QUESTIONS = [f"What is {a} + {b}?" for a, b in [(3, 4), (5, 2), (6, 1), (2, 7), (8, 1), (4, 4), (1, 5), (9, 0), (2, 2), (7, 1), (3, 3)]]


class Table:
    def __init__(self):
        self.failed = False

    def row(self, what, value, limit, holds):
        self.failed |= not holds
        print(f"{what:<58} {value:>14}   {limit:<12} {'holds' if holds else 'FAILS'}", flush=True)

    def note(self, what, value):
        print(f"{what:<58} {value:>14}", flush=True)


def load(build, *arguments):
    done = subprocess.run([f"{build}/bench_server_load", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench server: bench_server_load {arguments[0]} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def streams(build, table, seconds):
    for how, told in (("together", "all at once"), ("spread", "spread evenly")):
        got = load(build, "streams", MODEL, 200, seconds, 20, how)
        name = f"200 streams, {seconds} s, 20 tokens/s, {told}"
        table.row(f"{name}: tokens lost", f"{got['missing_tokens']}", "0", got["missing_tokens"] == 0)
        table.row("  streams that aren't whole", f"{got['broken_streams']}", "0", got["broken_streams"] == 0)
        table.note("  added latency a token, median", f"{got['p50_ms']:.2f} ms")
        table.row("  added latency a token, p99", f"{got['p99_ms']:.2f} ms", "< 5 ms", got["p99_ms"] < 5)
        table.row("  peak memory of the server", f"{got['peak_mb']:.0f} MB", "< 200 MB", got["peak_mb"] < 200)
        table.note("  processor time of the server, a token", f"{got['server_us_a_token']:.0f} us")


def wait_for(port, path, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


@contextlib.contextmanager
def llama_server(llama, smollm2):
    """Its port; nothing, if it doesn't start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([llama, "-m", smollm2, "--port", str(port), "-c", "2048", "-np", "1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port if wait_for(port, "/health", server) else None
    finally:
        server.kill()
        server.wait()


def requests(build, table, llama, smollm2):
    """In turns, so that whatever else the machine does falls on both."""
    missing = not llama and "its program (LLAMA_SERVER) isn't here"
    missing = missing or (not os.path.exists(smollm2) and "a model for it (MELETE_SMOLLM2) isn't here")
    with contextlib.nullcontext() if missing else llama_server(llama, smollm2) as port:
        missing = missing or (port is None and "it didn't start")
        rates = {server: [] for server in [MODEL] + ([] if missing else [f":{port}"])}
        for _ in range(ROUNDS):
            for server, of_server in rates.items():
                of_server.append(load(build, "requests", server, "/v1/models", 3, CONNECTIONS)["requests_a_second"])
    ours, *theirs = (statistics.median(of_server) for of_server in rates.values())
    table.row(f"GET /v1/models, {CONNECTIONS} connections kept open", f"{ours:.0f}/s", ">= 5000/s", ours >= 5000)
    if missing:
        return print(f"  the same of llama-server: skipped, {missing}")
    table.note("  the same of llama-server", f"{theirs[0]:.0f}/s")
    table.row("  ratio", f"{ours / theirs[0]:.2f}", ">= 1", ours >= theirs[0])


def first_delta_ms(port, question):
    body = json.dumps({"model": "melete-thinking", "stream": True, "seed": 0,
                       "messages": [{"role": "user", "content": question}]})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    begin = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        delta = json.loads(line[6:])["choices"][0]["delta"]
        if delta.get("content") or delta.get("reasoning_content"):
            return (time.perf_counter() - begin) * 1e3
    sys.exit(f"bench server: no token came for {question!r}")


def cli_first_token_ms(build, question):
    told = subprocess.run([f"{build}/melete", "ask", "--json", "--mode", "thinking", "--model", MODEL, question],
                          capture_output=True, text=True, check=True).stdout
    return json.loads(told)["timings"]["first_token_s"] * 1e3


@contextlib.contextmanager
def nano_server(build):
    with tempfile.TemporaryDirectory() as folder:
        command = [f"{build}/melete", "serve", "--model", MODEL, "--listen", "127.0.0.1:0", "--data", folder]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = server.stdout.readline().split(" at ")[1].split()[0]
            yield int(address.rsplit(":", 1)[1])
        finally:
            server.terminate()
            server.wait()


def first_token(build, table):
    with nano_server(build) as port:
        first_delta_ms(port, "What is 1 + 1?")
        pairs = [(first_delta_ms(port, q), cli_first_token_ms(build, q)) for q in QUESTIONS]
    through_http, through_cli = (statistics.median(column) for column in zip(*pairs))
    table.note("first token of melete-nano through the CLI, model loaded", f"{through_cli:.1f} ms")
    table.note("  through HTTP, from sending to the first delta", f"{through_http:.1f} ms")
    table.row("  later by", f"{through_http - through_cli:.1f} ms", "<= 20 ms", through_http - through_cli <= 20)


def answers_running(metrics):
    metrics.request("GET", "/metrics")
    text = metrics.getresponse().read().decode()
    return float(next(line for line in text.splitlines() if line.startswith("melete_answers_running ")).split()[-1])


def cancel_ms(port, content, until):
    """From when a client closes its connection to when no answer runs any more; nothing, if it had ended before."""
    body = json.dumps({"model": "melete-instant", "stream": True, "max_tokens": 1500, "temperature": 2,
                       "melete": {"events": True}, "messages": [{"role": "user", "content": content}]}).encode()
    metrics = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    received = b""
    while until and until not in received:
        received += client.recv(65536)
    if not until:
        while answers_running(metrics) == 0:
            pass
        time.sleep(0.02)
    if answers_running(metrics) == 0:
        return None
    begin = time.perf_counter()
    client.close()
    while answers_running(metrics) > 0:
        pass
    return (time.perf_counter() - begin) * 1e3


def cancels(build, table, runs=20):
    draw = random.Random(1)
    with nano_server(build) as port:
        for told, until in (("its prompt is computed", None), ("its answer is written", b"agent.delta")):
            words = 330 if until is None else 3
            ask = [" ".join(str(draw.randint(0, 99999)) for _ in range(words)) for _ in range(runs)]
            got = [ms for ms in (cancel_ms(port, content, until) for content in ask) if ms is not None]
            if len(got) < runs / 2:
                table.row(f"a client goes away while {told}: measured", f"{len(got)}", f">= {runs // 2}", False)
                continue
            table.note(f"a client goes away while {told}, median", f"{statistics.median(got):.1f} ms")
            table.row(f"  nothing runs for it any more, latest of {len(got)}", f"{max(got):.1f} ms", "<= 50 ms", max(got) <= 50)


def main():
    build, seconds, llama, smollm2 = sys.argv[1:5]
    table = Table()
    streams(build, table, int(seconds))
    requests(build, table, llama, smollm2)
    first_token(build, table)
    cancels(build, table)
    sys.exit(table.failed)


main()
