"""What the check says of figures whose model, tokenizer or machine has changed. check_faults_test.cc has the faults of files."""
import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest
from safetensors.torch import load_file, save_file

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
TEXT = "The bank can refuse to lend money to the person by the river bank."
MANY = 10
# Each shows every layer of the model, but for the first.
FIGURES = [["render", "--layer", "6", "--head", "3", "-o", "head.png"],
           ["grid", "--layers", "all", "-o", "all.svg"],
           ["layers", "--head", "mean", "-o", "layers.pdf"],
           ["compare", "--layer", "1", "--layer", "6", "-o", "compare.png"],
           ["diff", "--layer", "1", "--layer", "6", "-o", "diff.svg"],
           ["flow", "--token", "bank", "-o", "flow.png"],
           ["rollout", "-o", "rollout.pdf"],
           ["summary", "--words", "-o", "summary.png"]]


def run(arguments, models, cwd, **variables):
    environment = {**os.environ, "ATTNVIZ_MODELS": str(models), **variables}
    return subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A directory with a copy of gpt2-demo and figures of every kind, of both models alone and of many texts at once."""
    top = tmp_path_factory.mktemp("check")
    shutil.copytree(TOP / "models/gpt2-demo", top / "models/gpt2-demo")
    (top / "models/minilm").symlink_to(TOP / "models/minilm")
    figures = top / "figures"
    figures.mkdir()
    for command in FIGURES:
        for model in ("gpt2-demo", "minilm"):
            name = f"{model}-{command[-1]}"
            done = run([*command[:-1], name, "--model", model, TEXT], top / "models", figures)
            assert done.returncode == 0, done.stderr
    texts = (TOP / "tests/data/sentences.txt").read_text(encoding="utf8").splitlines()[:MANY]
    (top / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf8")
    for model in ("gpt2-demo", "minilm"):
        done = run(["render", "--layer", "5", "--head", "2", "--model", model, "--input", "texts.txt", "-q", "-o",
                    f"figures/{model}-many"], top / "models", top)
        assert done.returncode == 0, done.stderr
    return top


def check(drawn, *arguments, models=None, **variables):
    done = run(["check", "figures", *arguments], models or drawn / "models", drawn, **variables)
    return done.returncode, done.stdout, done.stderr


def test_other_threads_instructions_and_batches_raise_no_alarm(drawn):
    count = 2 * (len(FIGURES) + MANY)
    for variables in ({}, {"ATEN_CPU_CAPABILITY": "default"}, {"ATEN_CPU_CAPABILITY": "avx2"}):
        for threads in ([1, 2, 3, 5, 16] if not variables else [2]):
            status, out, err = check(drawn, "--threads", threads, **variables)
            assert (status, out, err) == (0, f"check: {count} figures: {count} same\n", ""), (threads, variables)
    status, out, _ = check(drawn, "--backend", "torchscript")
    assert status == 0, out


def changed(drawn, tmp_path, change):
    """A directory of models with another gpt2-demo."""
    models = tmp_path / "models"
    shutil.copytree(drawn / "models/gpt2-demo", models / "gpt2-demo", ignore=shutil.ignore_patterns("model.pt"))
    (models / "minilm").symlink_to(TOP / "models/minilm")
    change(models / "gpt2-demo")
    return models


def scaled(name, by, entry=None):
    def change(model):
        tensors = load_file(model / "model.safetensors")
        tensor = tensors[name].float()
        if entry is None:
            tensor *= by
        else:
            tensor.view(-1)[entry] *= by
        # As float32: in half precision a change by a hundredth would be rounded by up to a twentieth of it.
        save_file({key: tensor if key == name else value for key, value in tensors.items()},
                  model / "model.safetensors", {"format": "pt"})
    return change


@pytest.mark.parametrize("layer", range(6))
def test_a_layer_whose_weights_moved_by_a_hundredth_is_noticed(drawn, tmp_path, layer):
    part = random.Random(layer).choice(["attn.c_attn.weight", "ln_1.weight"])
    status, out, _ = check(drawn, models=changed(drawn, tmp_path, scaled(f"transformer.h.{layer}.{part}", 1.01)))
    assert status == 1
    differ = [line for line in out.splitlines() if not line.startswith(" ") and ": numbers: " in line]
    assert differ and all("gpt2-demo" in line for line in differ), out
    # The overview of all layers shows the changed one, and none before it.
    overview = out[out.index("figures/gpt2-demo-all.svg: numbers"):].splitlines()[1:11]
    layers = {int(line.split()[1]) for line in overview if line.startswith("  layer ")}
    assert layers and min(layers) >= layer + 1, overview
    assert "note: model.safetensors changed" in out


def test_a_weight_that_moved_no_number_is_a_note_unless_the_model_must_be_the_same(drawn, tmp_path):
    models = changed(drawn, tmp_path, scaled("transformer.h.2.attn.c_attn.weight", 1.01, entry=7))
    status, out, _ = check(drawn, models=models)
    assert status == 0 and "note: model.safetensors changed" in out
    status, out, _ = check(drawn, "--same-model", models=models)
    assert status == 1 and "figures/gpt2-demo-head.png: request: " in out, out


def test_a_changed_line_of_the_vocabulary_is_named(drawn, tmp_path):
    def rename(model):
        path = model / "tokenizer.json"
        tokenizer = json.loads(path.read_text(encoding="utf8"))
        vocabulary = tokenizer["model"]["vocab"]
        vocabulary["Ġriver"], vocabulary["Ġbank"] = vocabulary["Ġbank"], vocabulary["Ġriver"]
        path.write_text(json.dumps(tokenizer), encoding="utf8")

    status, out, _ = check(drawn, models=changed(drawn, tmp_path, rename))
    assert status == 1
    fault = out[out.index("figures/gpt2-demo-head.png"):].split("figures/", 2)[1]
    assert "tokens: " in fault and "bank" in fault, fault
    assert "minilm" not in [line.split(":")[0] for line in out.splitlines()]


# Every command that draws a text, in every form; {a} and {b} are models.
RECORDED = [["render", "--layer", "5", "--model", "{a}", "-o", "render.png", TEXT],
            ["render", "--precision", "bf16", "--model", "{a}", "--layer", "2", "-o", "half.svg", TEXT],
            ["grid", "--layer", "2", "--model", "{a}", "-o", "grid.svg", TEXT],
            ["layers", "--model", "{a}", "-o", "layers.pdf", TEXT],
            ["compare", "--model", "{a}", "--model", "{b}", "--layer", "3", "-o", "compare.png", TEXT],
            ["diff", "--model", "{a}", "--layer", "1", "--layer", "6", "-o", "diff.svg", TEXT],
            ["flow", "--model", "{a}", "--token", "bank", "-o", "flow.png", TEXT],
            ["rollout", "--model", "{a}", "-o", "rollout.pdf", TEXT],
            ["summary", "--model", "{a}", "-o", "summary.png", TEXT],
            *([["view", kind, "--model", "{a}", "-o", f"{kind}.{ending}", TEXT]
               for kind in ("head", "model", "neuron") for ending in ("html", "svg")]),
            ["analyze", "--explore", "--model", "{a}", "-o", "explore.svg", TEXT],
            ["analyze", "--explore", "--model", "{b}", "--pair", "Why?", "-o", "pair.pdf", TEXT],
            ["analyze", "--explore", "--model", "{a}", "--input", "texts.txt", "-q", "-o", "explored"],
            ["grid", "--model", "{b}", "--input", "texts.txt", "-q", "-o", "many"]]


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    """Models whose files call them otherwise, and other models that are called so."""
    top = tmp_path_factory.mktemp("renamed")
    for model, name, other in (("gpt2-demo", "first", "minilm"), ("minilm", "second", "gpt2-demo")):
        (top / "models" / name).mkdir(parents=True)
        for path in (TOP / "models" / model).iterdir():
            (top / "models" / name / path.name).symlink_to(path)
        (top / "models" / model).symlink_to(TOP / "models" / other)
    (top / "texts.txt").write_text("The cat sat on the mat.\nShe saw it.\n", encoding="utf8")
    return top


@pytest.mark.parametrize("a, b", [("first", "second"), ("models/first", "./models/../models/second/")])
def test_every_record_finds_the_model_that_was_named(renamed, tmp_path, a, b):
    (tmp_path / "models").symlink_to(renamed / "models")
    shutil.copy(renamed / "texts.txt", tmp_path)
    for command in RECORDED:
        drawn = run([word.format(a=a, b=b) for word in command], renamed / "models", tmp_path)
        assert drawn.returncode == 0, drawn.stderr
    for old, new in (("explore.svg", "redrawn.png"), ("compare.png", "redrawn.pdf"), ("head.html", "redrawn.html")):
        redrawn = run(["redraw", old, "-o", new], renamed / "models", tmp_path)
        assert redrawn.returncode == 0, redrawn.stderr
    done = run(["check", "."], renamed / "models", tmp_path)
    count = len(RECORDED) - 2 + 4 + 3
    assert (done.returncode, done.stdout) == (0, f"check: {count} figures: {count} same\n"), done.stdout + done.stderr
