"""Encoder-decoders from text to file: on random checkpoints with tokenizers of their own, the numbers of all three kinds of
attention are those of transformers, figures of them can be checked and redrawn, and pages show them.

    ATTNVIZ_BUILD=build/release python -m pytest tests/encoder_decoder_test.py
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
import sentencepiece
import torch
import transformers
from model_parity import sharpened
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
SOURCE = "translate English to German: The house is wonderful."
TARGET = "Das Haus ist wunderbar, und der Garten auch."
TEXTS = [(SOURCE, TARGET), ("A cat.", "Die Katze saß auf der Matte und schlief, bis es dunkel wurde."),
         ("The bank by the river can refuse to lend money to anyone who asks.", "Nein.")]
PARTS = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}


def marian(texts, folder):
    """A model of sentencepiece for the sources, another for the targets, one vocabulary."""
    folder.mkdir()
    for name, some in (("source", texts), ("target", texts[::-3])):
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(some), model_prefix=str(folder / name), minloglevel=2,
                                                 vocab_size=300, hard_vocab_limit=False, character_coverage=1.0)
    pieces = [piece for name in ("source", "target") for piece in
              (folder / f"{name}.vocab").read_text(encoding="utf8").splitlines()]
    words = dict.fromkeys(["</s>", "<unk>", *(piece.split("\t")[0] for piece in pieces), "<pad>"])
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    return transformers.MarianTokenizer(*(str(folder / name) for name in ("source.model", "target.model", "vocab.json")))


def trained(family, folder):
    """A tokenizer of the family's kind, of the tests' own texts."""
    texts = (TOP / "tests/data/sentences.txt").read_text(encoding="utf8").splitlines()[:400] + [text for pair in TEXTS for text in pair]
    if family == "marian":
        return marian(texts, folder)
    if family == "t5":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
        template, special = "$A </s>", ["</s>"]
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        template, special = "<s> $A </s>", ["<s>", "</s>"]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(name, tokenizer.token_to_id(name)) for name in special])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"} | ({"bos_token": "<s>"} if family != "t5" else {})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names)


class Model:
    """Saved in a directory; as transformers runs it."""

    def __init__(self, family, directory):
        self.directory = directory
        self.tokenizer = trained(family, directory.with_name("tokenizer"))
        ids = {"vocab_size": len(self.tokenizer), "pad_token_id": self.tokenizer.pad_token_id,
               "eos_token_id": self.tokenizer.eos_token_id}
        if family == "t5":
            config = transformers.T5Config(num_layers=2, num_decoder_layers=3, num_heads=4, d_model=32, d_kv=8, d_ff=40,
                                           decoder_start_token_id=self.tokenizer.pad_token_id, **ids)
            kind = transformers.T5ForConditionalGeneration
        else:
            sizes = {"encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4, "decoder_attention_heads": 2,
                     "d_model": 32, "encoder_ffn_dim": 40, "decoder_ffn_dim": 40, "max_position_embeddings": 64}
            make, kind = {"bart": (transformers.BartConfig, transformers.BartForConditionalGeneration),
                          "marian": (transformers.MarianConfig, transformers.MarianMTModel)}[family]
            start = self.tokenizer.eos_token_id if family == "bart" else self.tokenizer.pad_token_id
            config = make(decoder_start_token_id=start, **sizes, **ids)
        torch.manual_seed(3)
        sharpened(kind(config)).save_pretrained(directory)
        self.tokenizer.save_pretrained(directory)
        self.model = kind.from_pretrained(directory, attn_implementation="eager").eval()

    def input_of(self, target):
        return [self.model.config.decoder_start_token_id] + self.tokenizer(text_target=target).input_ids[:-1]

    def attention(self, part, source, target):
        """[layers, heads, queries, keys]"""
        with torch.no_grad():
            out = self.model(input_ids=torch.tensor([self.tokenizer(source).input_ids]),
                             decoder_input_ids=torch.tensor([self.input_of(target)]), output_attentions=True)
        return torch.cat(getattr(out, PARTS[part])).numpy()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model("t5", tmp_path_factory.mktemp("models") / "t5")


@pytest.fixture(scope="module", params=["t5", "bart", "marian"])
def any_model(request, tmp_path_factory):
    return Model(request.param, tmp_path_factory.mktemp("models") / request.param)


def run(cwd, *arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "ATTNVIZ_MODELS": str(TOP / "models")})


def done(cwd, *arguments):
    made = run(cwd, *arguments)
    assert made.returncode == 0, made.stderr
    return made.stdout


def opened(path):
    with safe_open(path, "np") as file:
        return file.get_tensor("attention"), file.metadata()


@pytest.mark.parametrize("part", PARTS)
def test_numbers_are_those_of_transformers_from_text_to_file(any_model, part, tmp_path):
    for source, target in TEXTS:
        done(tmp_path, "extract", "--model", any_model.directory, "--attention", part, "--target", target, "-o", "a.safetensors", source)
        found, metadata = opened(tmp_path / "a.safetensors")
        expected = any_model.attention(part, source, target)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-5
        assert json.loads(metadata["ids"]) == any_model.tokenizer(source).input_ids
        assert metadata["part"] == part
        if part == "encoder":
            assert "target" not in metadata
            continue
        assert metadata["target"] == target
        assert json.loads(metadata["target_ids"]) == any_model.input_of(target)
        names = any_model.tokenizer.convert_ids_to_tokens(any_model.input_of(target))
        assert json.loads(metadata["target_tokens"]) == names


@pytest.mark.parametrize("form", ["jsonl", "tsv"])
def test_files_of_texts_have_targets_beside_them(model, form, tmp_path):
    rows = [{"text": source, "target": target} for source, target in TEXTS]
    lines = [json.dumps(row) for row in rows] if form == "jsonl" else ["text\ttarget"] + ["\t".join(row.values()) for row in rows]
    (tmp_path / f"texts.{form}").write_text("\n".join(lines) + "\n", encoding="utf8")
    done(tmp_path, "extract", "--model", model.directory, "--input", f"texts.{form}", "--target-column", "target", "-q", "-o", "out")
    for entry, (source, target) in zip(map(json.loads, open(tmp_path / "out/manifest.jsonl")), TEXTS, strict=True):
        assert entry["target"] == target
        found, metadata = opened(tmp_path / "out" / entry["file"])
        assert np.abs(found - model.attention("cross", source, target)).max() <= 1e-5
        assert metadata["part"] == "cross"


def test_a_run_goes_on_only_with_the_files_it_began_with(any_model, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(any_model.directory, model)
    (tmp_path / "texts.tsv").write_text("text\ttarget\n" + "".join(f"{a}\t{b}\n" for a, b in TEXTS), encoding="utf8")
    command = "extract --model ./model --input texts.tsv --target-column target -q -o out".split()
    done(tmp_path, *command)
    settings = json.loads((tmp_path / "out/run.json").read_text())["settings"]
    files = [name.removeprefix("model/") for name in settings if name.startswith("model/")]
    assert {"config.json", "model.safetensors"} < set(files) and len(files) > 2, "nor without its tokenizer's"
    for name in files:
        whole = (model / name).read_bytes()
        changed = whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:] if name.endswith((".safetensors", ".spm")) else whole + b"\n"
        (model / name).write_bytes(changed)
        refused = run(tmp_path, *command, "--resume")
        assert refused.returncode == 2 and (name in refused.stderr), (name, refused.stderr)
        (model / name).write_bytes(whole)
    done(tmp_path, *command, "--resume")


def test_without_attention_it_is_cross_with_a_target_and_else_the_encoders(model, tmp_path):
    name = model.directory.name
    assert done(tmp_path, "render", "--model", model.directory, "--target", TARGET, SOURCE) == f"{name}-cross-layer3-mean.png\n"
    assert done(tmp_path, "render", "--model", model.directory, SOURCE) == f"{name}-encoder-layer2-mean.png\n"
    assert done(tmp_path, "render", "--model", model.directory, "--attention", "decoder", "--target", TARGET,
                SOURCE) == f"{name}-decoder-layer3-mean.png\n"


FIGURES = [["render", "--layer", "3", "--head", "1"], ["render", "--words", "--hide-special", "--renormalize"],
           ["render", "--range", "1:6,2:", "--zoom", "0:3,1:4"], ["grid", "--layer", "2"], ["grid", "--layers", "all"],
           ["layers", "--head", "0"], ["view", "head", "--layer", "2"], ["view", "head", "--token", "2", "--heads", "0,1"],
           ["view", "head", "--key", "1"], ["view", "model"], ["compare", "--head", "0", "--head", "1"],
           ["diff", "--layer", "1", "--layer", "2"], ["render", "--pool", "max:3"]]


@pytest.mark.parametrize("part", ["decoder", "cross"])
def test_figures_can_be_checked_and_redrawn(model, part, tmp_path):
    for i, command in enumerate(FIGURES):
        if part == "decoder":
            command = [word.split(",")[0] if previous == "--range" else word for previous, word in zip([""] + command, command)]
            command = [word for previous, word in zip([""] + command, command) if "--zoom" not in (previous, word)]
        done(tmp_path, *command, "--model", model.directory, "--attention", part, "--target", TARGET, "-o", f"f{i}.svg", SOURCE)
        for form in ("png", "pdf")[:1 + (i < 3)]:
            done(tmp_path, "redraw", f"f{i}.svg", "-o", f"f{i}.{form}")
        done(tmp_path, "redraw", f"f{i}.png", "-o", "again.svg")
        assert (tmp_path / "again.svg").read_bytes() == (tmp_path / f"f{i}.svg").read_bytes(), command
    figures = sorted(path.name for path in tmp_path.glob("f*.*"))
    assert len(figures) == 2 * len(FIGURES) + 3
    done(tmp_path, "check", *figures)


def test_records_find_the_model_that_was_named(model, tmp_path):
    """By a relative directory, where another model has the name that its files give it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/minilm").symlink_to(model.directory)
    crossing = ["--target", TARGET]
    for name, command in {"e.svg": ["render"], "d.svg": ["render", "--attention", "decoder", *crossing], "c.png": ["grid", *crossing],
                          "x.pdf": ["compare", "--head", "0", "--head", "1", *crossing], "v.html": ["view", "head", *crossing],
                          "s.svg": ["summary"], "a.svg": ["analyze", "--explore", "--explorer-local", "0"]}.items():
        done(tmp_path, *command, "--model", "models/minilm", "-o", name, SOURCE)
    assert done(tmp_path, "check", ".").endswith("check: 7 figures: 7 same\n")
    assert "minilm · Encoder · Layer" in (tmp_path / "a.svg").read_text(encoding="utf8")


def test_a_damaged_number_and_another_target_are_noticed(model, tmp_path):
    done(tmp_path, "view", "head", "--model", model.directory, "--target", TARGET, "-o", "view.html", SOURCE)
    done(tmp_path, "check", "view.html")
    done(tmp_path, "redraw", "view.html", "-o", "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "view.html").read_bytes()
    refused = run(tmp_path, "diff", "view.html", "again.html", "-o", "diff.svg")
    assert refused.returncode == 2 and "hold maps of several sizes" in refused.stderr, refused.stderr
    whole = (tmp_path / "view.html").read_text(encoding="utf8")
    weights = list(re.finditer(r'"weights":"', whole))
    assert len(weights) == len(PARTS)
    for place, part in zip(weights, ["Cross attention", "Encoder", "Decoder"]):
        damaged = whole[:place.end()] + "////" + whole[place.end() + 4:]
        assert damaged != whole
        (tmp_path / "view.html").write_text(damaged, encoding="utf8")
        checked = run(tmp_path, "check", "view.html")
        assert checked.returncode == 1 and f"{part} layer 1 head 0" in checked.stdout, checked.stdout
    fewer = re.sub(r'"others":\[.*?\}\]\}', '"others":[]}', whole)
    assert fewer != whole
    (tmp_path / "view.html").write_text(fewer, encoding="utf8")
    checked = run(tmp_path, "check", "view.html")
    assert checked.returncode == 1 and "12 maps → 32 maps" in checked.stdout, checked.stdout
    other = whole.replace('"target":"Das ', '"target":"Ein ')
    assert other != whole
    (tmp_path / "view.html").write_text(other, encoding="utf8")
    checked = run(tmp_path, "check", "view.html")
    assert checked.returncode == 1 and "Ein Haus" in checked.stdout


REFUSED = [
    (["render", "--target", "x", "y"], "minilm", "--target: minilm has no decoder behind an encoder"),
    (["render", "--attention", "cross", "y"], "minilm", "--attention cross: minilm has no decoder behind an encoder"),
    (["render", "--attention", "cross", "y"], "", "--attention cross: there is no target, whose tokens attend"),
    (["render", "--attention", "decoder", "y"], "", "give the text that the decoder reads with --target"),
    (["flow", "--token", "0", "--target", "x", "y"], "", "--target: only render, grid, layers, compare, diff, view and extract"),
    (["rollout", "--attention", "decoder", "--target", "x", "y"], "", "--attention decoder: only render, grid"),
    (["summary", "--target", "x", "y"], "", "--target: only render"),
    (["analyze", "--target", "x", "y"], "", "--target: only render"),
    (["tokens", "--target", "x", "y"], "", "--target: only render"),
    (["render", "--window", "max", "--target", "x", "y"], "", "--window: a model of one text takes it, --target looks at a decoder"),
    (["render", "--predict", "2", "--target", "x", "y"], "", "--predict: a model of one text takes it"),
    (["render", "--range", "0:1", "--target", "x", "y"], "", "--range 0:1: one range, cross attention takes two"),
    (["render", "--range", "0:1,0:1", "y"], "", "--range 0:1,0:1: two ranges, expected one: rows and columns"),
    (["render", "--range", "0:1,0:99", "--target", "x", "y"], "", "--range 0:99: beyond the tokens"),
    (["view", "head", "--key", "99", "--target", "x", "y"], "", "--key 99: expected a position from 0 to"),
    (["render", "--layer", "4", "--target", "x", "y"], "", "--layer 4: {name} has layers 1 to 3"),
    (["render", "--layer", "3", "y"], "", "--layer 3: {name} has layers 1 to 2"),
    (["render", "--input", "t.jsonl", "--target", "x", "-o", "out"], "", "--target: --input gives many texts"),
    (["view", "head", "--attention", "all", "y"], "", "--attention all: there is no target, whose tokens attend"),
    (["view", "head", "--target", "x", "y"], "minilm", "--target: minilm has no decoder behind an encoder"),
    (["view", "head", "--attention", "all", "--target", "x", "-o", "v.svg", "y"], "", "--attention all: only a page (.html) holds all of it, the output is svg"),
    (["view", "neuron", "--attention", "all", "--target", "x", "y"], "", "--attention all: only a page of view head or view model"),
    (["render", "--attention", "all", "--target", "x", "y"], "", "--attention all: only a page of view head or view model"),
    (["view", "head", "--filter", "a-b", "--attention", "encoder", "y"], "", "--filter: it parts the sentences of a pair, there is one text"),
    (["render", "--target", "", "y"], "", "--target: empty, expected a text"),
]


def test_what_does_not_fit_is_refused_by_name(model, tmp_path):
    for arguments, name, fault in REFUSED:
        refused = run(tmp_path, *arguments, "--model", name or model.directory)
        assert refused.returncode == 2, arguments
        assert fault.format(name=model.directory.name) in refused.stderr, (arguments, refused.stderr)
        assert "hint: " in refused.stderr or "beyond" in fault or "empty" in fault or "layers" in fault or "position" in fault, refused.stderr


def test_models_are_told_of_and_verified(model, tmp_path):
    info = json.loads(done(tmp_path, "models", "info", model.directory, "--json"))
    assert (info["layers"], info["decoder_layers"]) == (2, 3)
    said = done(tmp_path, "models", "verify", model.directory)
    assert re.search(r"^cross +ran 3 layers × \d heads on \d+ × \d+ tokens; rows sum to 1", said, re.M), said
    assert re.search(r"^decoder +ran 3 layers × \d heads on \d+ tokens; rows sum to 1", said, re.M), said


def numbers(cwd, model, part):
    done(cwd, "extract", "--model", model.directory, "--attention", part, "--target", TARGET, "-o", f"{part}.npz", SOURCE)
    return np.load(cwd / f"{part}.npz")["attention"]


def test_pages_show_each_kind_of_attention_that_is_chosen(model, tmp_path):
    from selenium.webdriver.support.ui import Select
    from support.browser import Browser
    from view_browser_test import find, fragment, hover, says, settled, table, token

    attention = {part: numbers(tmp_path, model, part) for part in PARTS}
    done(tmp_path, "view", "head", "--model", model.directory, "--target", TARGET, "--layer", "3", "--heads", "1", "-o", "p.html", SOURCE)
    names = {"encoder": ("Encoder", "Query ", "Key "), "decoder": ("Decoder", "Query ", "Key "), "cross": ("Cross attention", "Target ", "Source ")}
    with Browser() as browser:
        def expect_part(part, layer):
            title, query_name, key_name = names[part]
            settled(browser)
            assert find(browser, "h1").text == "t5 · " + title + ("" if part == "cross" else " attention")
            assert fragment(browser)["part"] == part
            assert find(browser, "#sentence").text == SOURCE + ("" if part == "encoder" else "  →  " + TARGET).replace("  ", " ")
            for query in (0, 1, attention[part].shape[2] - 1):
                hover(browser, token(browser, "query", query))
                assert says(browser).startswith(f"Layer {layer}, head 1. {query_name}"), says(browser)
                found = np.array([float(row[1]) for row in table(browser)])
                assert np.abs(found - attention[part][layer - 1, 1, query]).max() <= 6e-3
            hover(browser, token(browser, "key", attention[part].shape[3] - 1))
            assert key_name in says(browser)
            assert len(table(browser)) == attention[part].shape[2]

        browser.open(tmp_path / "p.html")
        expect_part("cross", 3)
        choice = Select(find(browser, "#part"))
        assert [one.text for one in choice.options] == ["Encoder", "Decoder", "Cross"]
        for part, layer in (("encoder", 2), ("decoder", 2), ("cross", 2)):  # a layer that is not there becomes the last, and stays
            choice.select_by_visible_text(names[part][0].split()[0])
            expect_part(part, layer)
        choice.select_by_visible_text("Decoder")
        token(browser, "query", 1).click()
        choice.select_by_visible_text("Cross")  # whose queries are the same tokens
        assert fragment(browser)["token"] == "1"
        choice.select_by_visible_text("Encoder")
        assert "token" not in fragment(browser)
        for mode in ("model", "heatmap"):
            find(browser, f"#tab-{mode}").click()
            settled(browser)
        address = browser.driver.current_url
        browser.open("about:blank")
        browser.open(address)
        settled(browser)
        assert find(browser, "h1").text == "t5 · Encoder attention"
        assert browser.driver.current_url == address
        browser.run("location.hash = 'part=decoder&view=head&layer=3'")
        settled(browser)
        assert (fragment(browser)["part"], fragment(browser)["layer"]) == ("decoder", "3")
        assert browser.messages() == []


def test_other_flags_of_a_page_of_all_parts_are_about_what_each_has_of_it(model, tmp_path):
    done(tmp_path, "view", "model", "--model", model.directory, "--target", TARGET, "--layers", "3", "--range", "1:4,2:7", "--weights", "norm",
         "-o", "p.html", SOURCE)
    done(tmp_path, "check", "p.html")
    done(tmp_path, "redraw", "p.html", "-o", "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "p.html").read_bytes()
    record = re.search(r'id="attnviz">(.*?)</script>', (tmp_path / "p.html").read_text(encoding="utf8"), re.S)[1]
    figure = json.loads(record)["figure"]
    held = {view["part"]: (view["layers"], len(view["tokens"])) for view in [figure, *figure["others"]]}
    assert held == {"cross": ([3], 3), "encoder": ([1, 2], 5), "decoder": ([3], 3)}
    said = done(tmp_path, "redraw", "p.html", "--describe", "-o", "cross.svg")
    assert "Its record holds t5 · Encoder and t5 · Decoder, too." in " ".join(said.split())
    done(tmp_path, "check", "cross.svg")


def test_a_neuron_view_scales_dot_products_as_the_model_does(model, tmp_path):
    """T5 does not: their softmax is its attention all the same."""
    from support.browser import Browser
    from view_browser_test import find, hover, settled, table, token

    attention = numbers(tmp_path, model, "cross")
    arguments = ["view", "neuron", "--model", model.directory, "--target", TARGET, "--layer", "2", "--head", "1", "--query", "1"]
    done(tmp_path, *arguments, "-o", "n.svg", SOURCE)
    svg = (tmp_path / "n.svg").read_text(encoding="utf8")
    assert "their products, the dot products, and their softmax" in svg and "√" not in svg
    done(tmp_path, *arguments, "-o", "n.html", SOURCE)
    with Browser() as browser:
        browser.open(tmp_path / "n.html")
        settled(browser)
        for query in range(attention.shape[2]):
            hover(browser, token(browser, "query", query))
            softmax = np.array([float(row[2]) for row in table(browser)])
            assert np.abs(softmax - attention[1, 1, query]).max() <= 2e-3
        assert "q · k" in find(browser, "main").text and "√" not in find(browser, "main").text
