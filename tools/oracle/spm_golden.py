#!/usr/bin/env python3
"""Writes the fixtures of tokenizers over characters, and checks whole vocabularies of GGUF files.

  spm_golden.py testdata/text
  spm_golden.py --gguf MODEL.gguf --lines LINES OUT

The first form trains two small SentencePiece models on the lines of tokenizer_golden.py (gemma: no prefix, user-defined
white space and tags; llama2: a space before the text) and writes OUT/<kind>.spm.json: {"vocab": what GGUF metadata
would hold, "ids": SentencePiece's ids by line}. From gemma's pieces it writes OUT/gemma.json too, a tokenizer.json as
transformers has it, with OUT/gemma.ids.json from `tokenizers`.

The second form takes the vocabulary of a GGUF file and writes OUT/<name>.spm.json alike, for LINES of one JSON string
each: with SentencePiece for SPM vocabularies, `tokenizers` for byte-level BPE of the pre-tokenizers smollm, qwen2 and
llama-bpe. MELETE_VOCAB_FOLDER=OUT text_test --gtest_filter='*WholeVocabularies*' then compares our ids.
Needs pip's sentencepiece, protobuf, tokenizers and (second form) gguf.
"""
import argparse
import io
import json
import pathlib

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

import tokenizer_golden as golden

USER_DEFINED = ["\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁", "\t", "\t\t", "<table>", "</table>", "<b>", "<start_of_image>"]
KINDS = {
    "gemma": dict(add_dummy_prefix=False, user_defined_symbols=USER_DEFINED, control_symbols=["<start_of_turn>", "<end_of_turn>"]),
    "llama2": dict(add_dummy_prefix=True),
}


def train(options):
    out = io.BytesIO()
    lines = [x.replace("\0", "") for x in golden.SENTENCES * 4 + golden.TRICKY if x.strip()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, model_type="bpe", vocab_size=1000, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.98, split_digits=True,
        allow_whitespace_only_pieces=True, max_sentence_length=100000, minloglevel=2, num_threads=1, **options)
    return out.getvalue()


def vocabulary(proto, add_space_prefix):
    """What a converter to GGUF writes: spaces of user-defined tokens are spelled out."""
    user = pb.ModelProto.SentencePiece.USER_DEFINED
    return {"model": "llama", "tokens": [p.piece.replace("▁", " ") if p.type == user else p.piece for p in proto.pieces],
            "scores": [p.score for p in proto.pieces], "types": [p.type for p in proto.pieces],
            "add_space_prefix": add_space_prefix}


def ranked_merges(vocab, scores):
    """transformers' order for SentencePiece vocabularies: by score, then by the lengths of both parts."""
    merges = []
    for token, id_ in vocab.items():
        splits = [(token[:i], token[i:], scores[id_]) for i in range(1, len(token))]
        splits = [m for m in splits if m[0] in vocab and m[1] in vocab]
        merges += sorted(splits, key=lambda m: (vocab[m[0]], vocab[m[1]]))
    return [m[:2] for m in sorted(merges, key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)]


def gemma_json(proto):
    """As transformers builds Gemma's tokenizer."""
    kinds = pb.ModelProto.SentencePiece
    vocab = {p.piece: i for i, p in enumerate(proto.pieces)}
    scores = [p.score for p in proto.pieces]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=ranked_merges(vocab, scores), fuse_unk=True, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    for piece in proto.pieces:
        if piece.type in (kinds.CONTROL, kinds.UNKNOWN):
            tokenizer.add_special_tokens([AddedToken(piece.piece, special=True, normalized=False)])
        elif piece.type == kinds.USER_DEFINED:
            tokenizer.add_tokens([AddedToken(piece.piece, normalized=False)])
    return tokenizer


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def fixtures(out):
    lines = json.loads((out / "lines.json").read_text())
    for kind, options in KINDS.items():
        proto = pb.ModelProto.FromString(train(options))
        processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
        # The SentencePiece library stops at a NUL; the other lines have none.
        ids = [processor.encode(x) if "\0" not in x else None for x in lines]
        write(out / f"{kind}.spm.json", {"vocab": vocabulary(proto, options["add_dummy_prefix"]), "ids": ids})
        if kind == "gemma":
            tokenizer = gemma_json(proto)
            plain = golden.plain_twin(tokenizer, lambda t: t["content"] in USER_DEFINED[:-1])
            (out / "gemma.json").write_text(tokenizer.to_str(), encoding="utf-8")
            write(out / "gemma.ids.json", {"plain": [plain.encode(x, add_special_tokens=False).ids for x in lines],
                                           "trusted": [tokenizer.encode(x, add_special_tokens=False).ids for x in lines]})


def spm_of(vocab):
    proto = pb.ModelProto()
    for token, score, type_ in zip(vocab["tokens"], vocab["scores"], vocab["types"]):
        token = token.replace(" ", "▁") if type_ == 4 else token
        proto.pieces.add(piece=token, score=score, type=2 if token == "<unk>" else type_)
    proto.trainer_spec.model_type = pb.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.vocab_size = len(vocab["tokens"])
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = bool(vocab.get("add_space_prefix", True))
    proto.normalizer_spec.remove_extra_whitespaces = False
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return lambda line: processor.encode(line) if "\0" not in line else None


def byte_level_of(vocab):
    kind = {"smollm": "smollm2", "qwen2": "qwen2", "llama-bpe": "llama3"}[vocab["pre"]]
    spec = golden.KINDS[kind]
    table = {t: i for i, t in enumerate(vocab["tokens"])}
    tokenizer = Tokenizer(models.BPE(vocab=table, merges=[tuple(m.split(" ")) for m in vocab["merges"]], ignore_merges=spec.get("ignore_merges", False)))
    tokenizer.pre_tokenizer = spec["pre"]
    if spec.get("nfc"):
        tokenizer.normalizer = normalizers.NFC()
    return lambda line: tokenizer.encode(line, add_special_tokens=False).ids


def whole_vocabulary(path, lines, out):
    from gguf import GGUFReader
    fields = GGUFReader(path).fields
    names = {"model": "model", "pre": "pre", "tokens": "tokens", "types": "token_type", "scores": "scores", "merges": "merges",
             "add_space_prefix": "add_space_prefix"}
    vocab = {ours: fields[f"tokenizer.ggml.{theirs}"].contents() for ours, theirs in names.items() if f"tokenizer.ggml.{theirs}" in fields}
    encode = spm_of(vocab) if vocab["model"] == "llama" else byte_level_of(vocab)
    out.mkdir(parents=True, exist_ok=True)
    write(out / f"{path.stem}.spm.json", {"vocab": vocab, "lines": lines, "ids": [encode(x) for x in lines]})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--gguf", type=pathlib.Path)
    parser.add_argument("--lines", type=pathlib.Path)
    args = parser.parse_args()
    if args.gguf:
        return whole_vocabulary(args.gguf, [json.loads(x) for x in args.lines.read_text().splitlines()], args.out)
    fixtures(args.out)


if __name__ == "__main__":
    main()
