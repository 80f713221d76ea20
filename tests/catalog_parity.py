"""The catalog room against Python: cards of checkpoints that transformers saves, archives that torch and zipfile
write."""
import io
import json
import os
import pathlib
import subprocess
import zipfile

import pytest
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "catalog_files"

COMMON = {"vocab_size": 50, "num_hidden_layers": 3, "hidden_size": 24, "num_attention_heads": 4,
          "intermediate_size": 48, "max_position_embeddings": 32}
GPT2 = {"vocab_size": 50, "n_layer": 3, "n_embd": 24, "n_head": 4, "n_positions": 32}
DISTILBERT = {"vocab_size": 50, "n_layers": 3, "dim": 24, "n_heads": 4, "hidden_dim": 48,
              "max_position_embeddings": 32}


@pytest.mark.parametrize("config_class, numbers, model_class, causal", [
    ("BertConfig", COMMON, "BertModel", False),
    ("BertConfig", COMMON, "BertForSequenceClassification", False),
    ("BertConfig", {**COMMON, "is_decoder": True}, "BertLMHeadModel", True),
    ("DistilBertConfig", DISTILBERT, "DistilBertForMaskedLM", False),
    ("RobertaConfig", COMMON, "RobertaModel", False),
    ("RobertaConfig", {**COMMON, "pad_token_id": 7}, "RobertaModel", False),
    ("XLMRobertaConfig", COMMON, "XLMRobertaModel", False),
    ("GPT2Config", GPT2, "GPT2Model", True),
    ("GPT2Config", GPT2, "GPT2LMHeadModel", True),
    ("ElectraConfig", {**COMMON, "embedding_size": 24}, "ElectraModel", False),
])
def test_a_card_says_what_transformers_says(tmp_path, config_class, numbers, model_class, causal):
    torch.manual_seed(0)
    config = getattr(transformers, config_class)(**numbers)
    model = getattr(transformers, model_class)(config).eval()
    model.save_pretrained(tmp_path)
    done = subprocess.run([TOOL, "card", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    assert card["architecture"] == config.model_type
    assert card["layers"] == config.num_hidden_layers
    assert card["heads"] == config.num_attention_heads
    assert card["hidden"] == config.hidden_size
    assert card["causal"] == causal and card["pair"] != causal and card["checkpoint"]
    # The model itself says how many tokens it takes.
    model(torch.full((1, card["max_tokens"]), 9))
    with pytest.raises((IndexError, RuntimeError, ValueError)):
        model(torch.full((1, card["max_tokens"] + 1), 9))


def verdicts(*paths):
    return subprocess.run([TOOL, "archive", *paths], check=True, capture_output=True, text=True).stdout.splitlines()


def test_archives_of_torch_pass(tmp_path):
    config = transformers.BertConfig(**COMMON, attn_implementation="eager")
    config.return_dict = False
    model = transformers.BertModel(config).eval()
    ids = torch.ones(1, 5, dtype=torch.long)
    torch.jit.trace(model, (ids, ids), strict=False).save(tmp_path / "traced.pt")
    module = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(700, 700), torch.nn.ReLU()))
    torch.jit.save(module, tmp_path / "scripted.pt", _extra_files={"note.json": "{}"})
    torch.jit.save(torch.jit.freeze(module.eval()), tmp_path / "frozen.pt")
    assert verdicts(*(tmp_path / f"{name}.pt" for name in ("traced", "scripted", "frozen"))) == ["good"] * 3
    # Repacked by Python, deflated: still what libtorch loads.
    with zipfile.ZipFile(tmp_path / "traced.pt") as old, \
            zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert verdicts(tmp_path / "packed.pt") == ["good"]


def test_what_torch_save_writes_is_no_torchscript(tmp_path):
    torch.save({"w": torch.zeros(3)}, tmp_path / "model.pt")
    torch.save({"w": torch.zeros(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    new, old = verdicts(tmp_path / "model.pt", tmp_path / "old.pt")
    assert new.endswith("it has no constants.pkl, which torch.jit.save writes")
    assert old.endswith("no zip archive")


class Pipe(io.RawIOBase):
    """A file that can't be rewound, so that zipfile tells sizes behind the data."""

    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, piece):
        self.bytes += bytes(piece)
        return len(piece)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("zip64", [False, True])
def test_archives_of_zipfile_pass(tmp_path, method, streamed, zip64):
    target = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.comment = b"a comment"
        for name in ["m/constants.pkl", "m/data/0", "m/ü", "m/empty"]:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as entry:
                entry.write(b"" if name.endswith("empty") else b"content " * 100)
    path = tmp_path / "model.pt"
    path.write_bytes(target.bytes if streamed else target.getvalue())
    assert verdicts(path) == ["good"]


def test_archives_of_other_methods_are_refused(tmp_path):
    for method, number in [(zipfile.ZIP_BZIP2, 12), (zipfile.ZIP_LZMA, 14)]:
        with zipfile.ZipFile(tmp_path / "model.pt", "w", method) as archive:
            archive.writestr("m/constants.pkl", b"content " * 100)
        assert verdicts(tmp_path / "model.pt")[0].endswith(f"compressed by method {number}, expected none or deflate")
