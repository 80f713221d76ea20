"""TorchScript files from strangers: each is refused before it runs, and what is trusted all the same is confined."""

import contextlib
import functools
import os
import re
import resource
import signal
import struct
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

TOP = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
LOOK = PROGRAM.parent / "catalog_files"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bank", "can"]
SOURCE = "code/__torch__/strangers_test.py"


class Uniform(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(4))

    def forward(self, input_ids, attention_mask):
        scores = (input_ids[:, None, :, None] * self.weight[0, 0]).expand(-1, 2, -1, input_ids.size(1))
        return (scores.softmax(-1),)


@pytest.fixture(scope="session")
def entries(tmp_path_factory):
    """Of a harmless archive: names and bytes."""
    path = tmp_path_factory.mktemp("traced") / "m.pt"
    ids = torch.ones(1, 5, dtype=torch.long)
    torch.jit.trace(Uniform(), (ids, ids), check_trace=False).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def model(tmp_path):
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "vocab.txt").write_text("\n".join(VOCABULARY))
    return directory


def pack(directory, entries, names=lambda name: f"m/{name}"):
    with zipfile.ZipFile(directory / "model.pt", "w") as archive:
        for name, content in entries.items():
            archive.writestr(names(name), content)


def changed(entries, old, new, name=SOURCE):
    assert old.encode() in entries[name]
    return {**entries, name: entries[name].replace(old.encode(), new.encode())}


def attnviz(*arguments, cwd=None):
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


def render(model, *flags, cwd=None):
    return attnviz("render", "--model", model, "--layer", "1", "--head", "0", "-o", cwd / "out.svg" if cwd else "-",
                   "--format", "svg", *flags, "the bank can", cwd=cwd)


def refused(model, fault):
    """By what looks through a file before the program opens it."""
    outcome = subprocess.run([LOOK, "program", model / "model.pt"], capture_output=True, text=True, check=True)
    assert outcome.stdout.startswith(f"{model}/model.pt: not run: ") and fault in outcome.stdout, outcome
    return outcome.stdout


RUNS = {
    "save": ('    torch.save(input_ids, "{target}")\n', "calls torch.save, which is not known to be harmless"),
    "from_file": ('    y = torch.from_file("/etc/passwd", False, 4)\n', "calls torch.from_file"),
    "method": ('    y = input_ids.from_file("x", False, 4)\n', "calls .from_file"),
    "alias": ("    y = input_ids.from_file\n    z = y()\n", "calls y"),
    "alias of a namespace": ("    y = torch\n", "names torch of torch without calling it"),
    "alias of a builtin": ("    int = input_ids.save\n", "gives int another meaning"),
    "other namespaces": ('    y = ops.quantized.linear(input_ids)\n', "calls ops.quantized.linear"),
    "classes in C++": ('    y = __torch__.torch.classes.x.Y("x")\n', "makes a C++ class"),
    "a call across lines": ('    y = torch.\n      save(input_ids, "x")\n', "a point without a name"),
    "a call across brackets": ('    y = (torch.\n      save(input_ids, "x"))\n', "calls torch.save"),
    "a loop": ("    while True:\n      y = 1\n", "'while', which no trace has"),
    "a comment": ("    # type: (Tensor) -> Tensor\n", "holds '#'"),
    "another script": ("    ｔorch = 1\n", "holds byte"),
    "a getattr": ('    y = getattr(input_ids, "from_file")("x", False, 4)\n', "calls what no name stands for"),
    "an operator of strings": ('    y = "x".format(input_ids)\n', "calls .format"),
}


@pytest.mark.parametrize("name", RUNS)
def test_code_that_does_more_than_compute_is_refused(entries, model, tmp_path, name):
    code, fault = RUNS[name]
    code = code.replace("{target}", str(tmp_path / "written"))
    pack(model, changed(entries, "    weight = self.weight\n", "    weight = self.weight\n" + code))
    message = refused(model, fault)
    assert re.search(SOURCE + r":1\d: ", message), message
    assert not (tmp_path / "written").exists()


def test_harmless_archives_run(entries, model, tmp_path):
    pack(model, entries)
    assert render(model, cwd=tmp_path).returncode == 0
    assert (tmp_path / "out.svg").exists()
    assert render(model, "--sandbox", "off").stdout.startswith("<?xml")


def with_setstate(entries, target):
    """What a load would run."""
    code = (
        "  def __getstate__(self: __torch__.strangers_test.Uniform) -> Tensor:\n    return torch.ones([1])\n"
        "  def __setstate__(self: __torch__.strangers_test.Uniform, state: Tensor) -> NoneType:\n"
        f'    torch.save(state, "{target}")\n    return None\n'
    )
    return {**entries, SOURCE: entries[SOURCE] + code.encode()}


def test_setstate_is_refused(entries, model, tmp_path):
    pack(model, with_setstate(entries, tmp_path / "written"))
    outcome = render(model)
    assert outcome.returncode == 2, outcome
    assert "defines __getstate__, which may run without being called\n  hint: if you trust it" in outcome.stderr, outcome
    assert not (tmp_path / "written").exists()


def test_defaults_that_a_load_would_evaluate_are_refused(entries, model, tmp_path):
    code = f'torch.save(torch.ones([1]), "{tmp_path}/written")'
    pack(model, changed(entries, "attention_mask: Tensor)", f"attention_mask: Tensor, x: NoneType={code})"))
    refused(model, "calls torch.save")
    assert render(model).returncode == 2
    assert not (tmp_path / "written").exists()


OTHER_ENTRIES = {
    "model.json": ({"model.json": b"{}"}, "model.json: is not among what torch.jit.save writes"),
    "bytecode": ({"bytecode.pkl": b"\x80\x02)."}, "bytecode.pkl: is not among"),
    "attributes": ({"attributes.pkl": b"\x80\x02)."}, "attributes.pkl: is not among"),
    "code of another case": ({"CODE/__torch__/x.py": b""}, "CODE/__torch__/x.py: is not among"),
    "an entry twice but for case": ({"Data.pkl": b"\x80\x02)."}, '"m/Data.pkl" is there twice'),
    "dots": ({"../x": b""}, "leads out of the archive"),
}


@pytest.mark.parametrize("name", OTHER_ENTRIES)
def test_entries_that_torch_does_not_write_are_refused(entries, model, name):
    more, fault = OTHER_ENTRIES[name]
    pack(model, {**entries, **more})
    refused(model, fault)


def test_a_second_folder_is_refused(entries, model):
    pack(model, {**entries, "evil": b""}, lambda name: "other/x.py" if name == "evil" else f"m/{name}")
    refused(model, '"other/x.py" lies outside its folder "m/"')


def pickled(body):
    return b"\x80\x02" + body + b"."


def tensor(count, offset=0, size=1, stride=1):
    """As torch.jit.save pickles one of storage 0."""
    def number(value):
        return b"\x8a\x08" + struct.pack("<q", value)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(count) + b"tQ"
    shape = number(size) + b"\x85" + number(stride) + b"\x85"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + shape + b"\x89N" + b"tR"


def named(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def uniform(weight, more=b""):
    """A module as the archive's source declares it, but for its weight."""
    state = named("weight") + weight + named("training") + b"\x89" + named("_is_full_backward_hook") + b"N" + more
    return b"c__torch__.strangers_test\nUniform\n)\x81}(" + state + b"ub"


PICKLES = {
    "another global": (b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R", "uses os.system, which is not known"),
    "a class in C++": (b"c__torch__.torch.classes.x\nY\n)\x81", "uses __torch__.torch.classes.x.Y"),
    "a global by its number": (b"K\x00)R", "calls what is no function"),
    "deep nesting": (b"]" + b"\x85" * 10_000, "nests values too deep"),
    "a value in itself": (b"]q\x00h\x00a", "puts a value into itself"),
    "a mark among what is dropped": (b"](a" + tensor(1 << 40) + b"t", "takes a value that is not there"),
    "a memo of gigabytes": (b")r\xff\xff\xff\x7f", "numbers values beyond their number"),
    "Python's newer protocols": (b"\x8c\x01x", "holds instruction 140"),
    "more than a model has": (b"]" * 2_000_000, "takes more than 1000000 instructions"),
}


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("file", ["data", "constants"])
def test_pickles_of_anything_but_plain_values_are_refused(entries, model, name, file):
    body, fault = PICKLES[name]
    pack(model, {**entries, f"{file}.pkl": pickled(body), "constants/0": entries["data/0"]})
    refused(model, f"{file}.pkl: {fault}")


TENSORS = {
    "a storage larger than its entry": (tensor(1 << 40), "tells of 1099511627776 numbers in storage 0"),
    "a tensor beyond its storage": (tensor(16, offset=16), "makes a tensor that reaches out of its storage"),
    "a tensor before its storage": (tensor(16, offset=-1), "makes a tensor that reaches out of its storage"),
    "more numbers than can be counted": (tensor(16, size=1 << 62, stride=0).replace(
        struct.pack("<q", 1 << 62) + b"\x85\x8a\x08" + struct.pack("<q", 0) + b"\x85",
        struct.pack("<q", 1 << 62) + b"K\x04\x86" + b"K\x00K\x00\x86"), "makes a tensor that reaches out of its storage"),
    "strides that overflow": (tensor(16, size=3, stride=1 << 62), "makes a tensor that reaches out of its storage"),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("file", ["data", "constants"])
def test_tensors_lie_inside_their_storages(entries, model, name, file):
    body, fault = TENSORS[name]
    body = uniform(body) if file == "data" else body + b"\x85"
    pack(model, {**entries, f"{file}.pkl": pickled(body), "constants/0": entries["data/0"]})
    refused(model, f"{file}.pkl: {fault}")


def test_what_is_dropped_cannot_hide_another_value(entries, model):
    """Marks that lie on one reader's stack but not on another's would make libtorch see another tensor."""
    sound = tensor(16)
    for fill in (b"(K\x00K\x00\x00a", b"}(K\x00s", b"](a", b"](e(a", b"}((s"):
        pack(model, {**entries, "data.pkl": pickled(b"(" + fill + tensor(1 << 40) + uniform(sound) + b"t")})
        refused(model, "data.pkl: ")


def declaring(entries, attribute, more=""):
    """The module with another attribute than torch.jit.save has written."""
    return changed(entries, "  weight : Tensor\n", f"  weight : Tensor\n  {attribute}\n{more}")


BIG = "class Big(Module):\n  __parameters__ = []\n" + "".join(f"  a{i} : Tensor\n" for i in range(2000)) + \
    "  def forward(self: __torch__.strangers_test.Big) -> Tensor:\n    return self.a1999\n"
SMALL = "class Small(Module):\n  __parameters__ = []\n  a0 : Tensor\n"
OBJECT = b"c__torch__.strangers_test\n%s\n)\x81}(" + named("a0") + tensor(16) + b"ub"
ATTRIBUTES = {
    "an object of another class": ("big : __torch__.strangers_test.Big", OBJECT % b"Small",
                                   "gives __torch__.strangers_test.Uniform.big a __torch__.strangers_test.Small"),
    "an object without its attributes": ("big : __torch__.strangers_test.Big", OBJECT % b"Big",
                                         "makes a __torch__.strangers_test.Big with 1 attributes, declared with 2000"),
    "an object without a state": ("big : __torch__.strangers_test.Big", b"c__torch__.strangers_test\nBig\n)\x81",
                                  "makes a __torch__.strangers_test.Big with 0 attributes"),
    "a number for an object": ("big : __torch__.strangers_test.Big", b"K\x01", "big an integer, declared as"),
    "a number for a tensor": ("big : Tensor", b"K\x01", "big an integer, declared as Tensor"),
    "a list of something else": ("big : List[int]", b"](K\x01Ne", "big None, declared as int"),
    "a list called something else": ("big : List[int]", b"ctorch.jit._pickle\nbuild_intlist\n](" + named("a") + b"e\x85R",
                                     "big a string, declared as int"),
    "a dictionary of something else": ("big : Dict[str, Tensor]", b"}" + named("a") + b"K\x01s", "big an integer, declared as"),
    "a shorter tuple": ("big : Tuple[Tensor, Tensor]", tensor(16) + b"\x85", "big a tuple of 1, declared as Tuple[Tensor, Tensor]"),
    "a type that is not known": ("big : Future[Tensor]", tensor(16), "big a value of type Future[Tensor], which no trace has"),
    "a class that is not there": ("big : __torch__.strangers_test.None", OBJECT % b"None", "which the sources do not declare"),
    "one list of two types": ("a : List[int]\n  big : List[Tensor]", b"]q\x01" + named("big") + b"h\x01", "big what is of type List[int]"),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_objects_are_as_their_classes_declare(entries, model, name):
    declared, value, fault = ATTRIBUTES[name]
    first = declared.split(" ")[0]
    changes = declaring(entries, declared)
    pack(model, {**changes, SOURCE: (BIG + SMALL).encode() + changes[SOURCE],
                 "data.pkl": pickled(uniform(tensor(16), named(first) + value))})
    refused(model, f"data.pkl: {'makes' if fault.startswith('makes') else ''}")
    refused(model, fault)


def test_attributes_as_declared_reach_the_model(entries, model, tmp_path):
    kinds = {"a": ("int", b"K\x07"), "b": ("List[int]", b"](K\x01K\x02e"), "c": ("Dict[str, Tensor]", b"}" + named("x") + tensor(16) + b"s"),
             "d": ("Tuple[float, Optional[str]]", b"G\x3f\xf0" + b"\0" * 6 + b"N\x86"), "e": ("List[List[str]]", b"](](" + named("y") + b"ee")}
    declared = "\n  ".join(f"{name} : {kind}" for name, (kind, _) in kinds.items())
    values = b"".join(named(name) + value for name, (_, value) in kinds.items())
    eye = tensor(16).replace(struct.pack("<q", 1) + b"\x85\x8a\x08" + struct.pack("<q", 1) + b"\x85",
                             struct.pack("<q", 4) + b"\x8a\x08" + struct.pack("<q", 4) + b"\x86\x8a\x08" + struct.pack("<q", 4)
                             + b"\x8a\x08" + struct.pack("<q", 1) + b"\x86")
    pack(model, {**declaring(entries, declared), "data.pkl": pickled(uniform(eye, values))})
    outcome = render(model, cwd=tmp_path)
    assert outcome.returncode == 0, outcome


TYPES = {
    "tuples of tuples": ("".join(f"    t{i + 1} = (t{i}, )\n" for i in range(30_000)), "nests a type too deep"),
    "tuples that double": ("".join(f"    t{i + 1} = (t{i}, t{i})\n" for i in range(40)), "puts too much into one type"),
    "lists by way of operators": ("".join(f"    t{i + 1} = torch.add([t{i}], [t{i}])\n" for i in range(3_000)), "nests a type too deep"),
    "a long chain of and": ("    t = " + " and ".join(["True"] * 30_000) + "\n", "too many operators in one statement"),
    "a long chain of elif": ("    if True:\n      t = 1\n" + "    elif True:\n      t = 1\n" * 30_000, "'elif', which no trace has"),
    "a class cast": ("    t = unchecked_cast(__torch__.strangers_test.Big, self)\n", "casts to another type than a plain one"),
    "a tuple cast": ("    t = unchecked_cast(Tuple[Tensor, Tensor], input_ids)\n", "casts to another type than a plain one"),
    "an attribute set": ("    self.weight = input_ids\n", "sets an attribute, which no trace does"),
    "an attribute set by the way": ("    t = self.weight = input_ids\n", "sets two things at once"),
    "itself": ("    t = self\n", "hands self on"),
    "itself by another name": ("    return (weight, )\n  def forward1(x: __torch__.strangers_test.Uniform) -> Tensor:\n    return x.weight\n",
                               "declares what no trace declares"),
    "a declared type": ("    t : " + "List[" * 50 + "int" + "]" * 50 + " = []\n", "nests a type too deep"),
    "a type in an annotation": ("    t = annotate(" + "List[" * 50 + "int" + "]" * 50 + ", [])\n", "nests a type too deep"),
}


@pytest.mark.parametrize("name", TYPES)
def test_what_would_keep_libtorch_busy_for_ever_is_refused(entries, model, name):
    code, fault = TYPES[name]
    pack(model, changed(entries, "    weight = self.weight\n", "    weight = self.weight\n    t0 = weight\n" + code))
    refused(model, fault)


def test_long_chains_of_classes_and_functions_are_refused(entries, model):
    name = "__torch__.strangers_test."
    classes = "".join(f"class C{i}(Module):\n  a : Optional[{name}C{i + 1}]\n" for i in range(5_000)) + "class C5000(Module):\n  a : int\n"
    functions = "".join(f"def f{i}(x: Tensor) -> Tensor:\n  return {name}f{i + 1}(x)\n" for i in range(5_000))
    circle = f"def f(x: Tensor) -> Tensor:\n  return {name}g(x)\ndef g(x: Tensor) -> Tensor:\n  return {name}f(x)\n"
    for sources, fault in ((classes, "long a chain of references"), (functions, "long a chain of references"),
                           (circle, "refers to itself by way of others")):
        pack(model, {**entries, SOURCE: entries[SOURCE] + sources.encode()})
        refused(model, fault)


def test_what_is_not_written_by_torch_does_not_reach_it(entries, model, tmp_path):
    """Blank lines, blanks, and tokens that libtorch's lexer cuts otherwise."""
    code = "    weight = self.weight\n\n     \n    input = True\n    y  =   not input\n"
    pack(model, changed(entries, "    weight = self.weight\n", code))
    outcome = render(model, cwd=tmp_path)
    assert outcome.returncode == 0, outcome


def test_a_pickle_of_a_thousand_times_its_size_takes_no_memory(entries, model):
    with zipfile.ZipFile(model / "model.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**entries, "data.pkl": pickled(b"]" * (16 << 20))[:16 << 20]}.items():
            archive.writestr(f"m/{name}", content)
    assert (model / "model.pt").stat().st_size < 64 << 10
    limited = functools.partial(resource.setrlimit, resource.RLIMIT_AS, (200 << 20, 200 << 20))
    outcome = subprocess.run([LOOK, "program", model / "model.pt"], capture_output=True, text=True, preexec_fn=limited)
    assert outcome.returncode == 0 and "takes more than 1000000 instructions" in outcome.stdout, outcome


def test_a_file_renamed_after_it_was_checked_does_not_run(entries, model, tmp_path):
    pack(model, changed(entries, "    weight = self.weight\n",
                        f'    weight = self.weight\n    torch.save(input_ids, "{tmp_path}/written")\n'))
    (model / "model.pt").rename(tmp_path / "other.pt")
    for flags in ((), ("--trust-model",)):
        other = tmp_path / "again.pt"
        other.write_bytes((tmp_path / "other.pt").read_bytes())
        pack(model, entries)
        command = [PROGRAM, "render", "--model", model, "--layer", "1", "--head", "0", "--sandbox", "off", *flags, "-o", "-",
                   "--format", "svg", "the bank can"]
        environment = {**os.environ, "LD_PRELOAD": str(PROGRAM.parent / "librename_at.so"), "RENAME_FROM": str(other),
                       "RENAME_TO": str(model / "model.pt")}
        outcome = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert outcome.returncode == 0 and outcome.stdout.startswith("<?xml"), outcome
        assert not other.exists() and not (tmp_path / "written").exists(), flags


WRITES = {
    "a weight": "torch.add_(weight, 1)",
    "a view": "torch.add_(torch.select(weight, 0, 0), 1)",
    "what was detached": "torch.mul_(torch.detach(weight), 2)",
    "a copy into it": "torch.copy_(weight, torch.neg(weight))",
    "zeros": "torch.zero_(torch.view(weight, [16]))",
    "an index": "torch.index_put_(weight, annotate(List[Optional[Tensor]], [torch.arange(1)]), torch.ones([1, 4]))",
    "its shape": "torch.squeeze_(torch.unsqueeze_(weight, 0), 0)",
    "an output": "torch.add(weight, weight, alpha=1, out=weight)",
    "a constant": "torch.add_(CONSTANTS.c0, 1)\n    weight = torch.add(weight, w)",
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("flags", [(), ("--trust-model",)])
def test_a_model_that_writes_to_its_own_weights_ends_with_an_error(entries, model, name, flags):
    """Later texts, and what serve is asked later, would see it."""
    changes = changed(entries, "    weight = self.weight\n", f"    weight = self.weight\n    w = {WRITES[name]}\n")
    pack(model, {**changes, "constants.pkl": pickled(tensor(16) + b"\x85"), "constants/0": entries["data/0"]})
    outcome = render(model, *flags)
    assert outcome.returncode == 2 and "model.pt: writes to its own weights when it runs" in outcome.stderr, outcome


def test_what_was_written_before_a_failure_reaches_no_later_text(entries, model, tmp_path):
    """The model writes to its weights, and then fails so that nobody looks: on a text of five tokens only, which no probe has."""
    code = ("    if bool(torch.eq(torch.size(input_ids, 1), 5)):\n      w = torch.add_(weight, 1)\n      v = torch.view(w, [3])\n"
            "    else:\n      v = weight\n    weight = v\n")
    pack(model, changed(entries, "    weight = self.weight\n", "    weight = self.weight\n" + code))
    (tmp_path / "texts.txt").write_text("the bank\nthe bank can\nbank can\n")
    command = ["render", "--model", model, "--layer", "1", "--head", "0", "--input", "texts.txt"]
    outcome = attnviz(*command, "-o", "figures", cwd=tmp_path)
    assert outcome.returncode == 2 and "3 of 3 texts could not be done" in outcome.stderr, outcome
    manifest = (tmp_path / "figures/manifest.jsonl").read_text()
    assert manifest.count("writes to its own weights when it runs") >= 2, manifest
    (tmp_path / "texts.txt").write_text("the bank\nbank can\n")
    assert attnviz(*command, "-o", "others", cwd=tmp_path).returncode == 0


class Empty(torch.nn.Module):
    def forward(self, input_ids, attention_mask):
        size = input_ids.size(1)
        scores = torch.ones(input_ids.size(0), 2, size, size)
        made = (torch.empty_like(scores), scores.new_empty(1), torch.empty(1, 2, size, size), torch.empty(size, device="cpu"))
        for old in made:
            scores = scores + 1e30 * old
        return (scores.softmax(-1),)


def test_old_memory_is_not_what_a_model_gets(model, tmp_path):
    """Which may hold an earlier text."""
    ids = torch.ones(1, 5, dtype=torch.long)
    torch.jit.trace(Empty(), (ids, ids), check_trace=False).save(model / "model.pt")
    outcome = attnviz("extract", "--model", model, "-o", "x.npz", "the bank can", cwd=tmp_path)
    assert outcome.returncode == 0, outcome
    assert set(np.load(tmp_path / "x.npz")["attention"].reshape(-1).tolist()) == {float(np.float32(0.2))}


def test_what_would_give_something_else_each_time_is_refused(entries, model):
    weight = "    weight = self.weight\n"
    for code, fault in (("torch.batch_norm(weight, None, None, weight, weight, True, 0.1, 1e-5, False)", "trains a batch norm"),
                        ("torch.dropout(weight, 0.5, True)", "drops values at random")):
        pack(model, changed(entries, weight, weight + f"    weight = torch.add(weight, {code})\n"))
        outcome = render(model)
        assert outcome.returncode == 2 and f"not run: {fault}, so that a later run would give" in outcome.stderr, outcome
    changes = changed(declaring(entries, "big : List[int]"), weight, weight + "    w = torch.add_(self.big, [1])\n")
    pack(model, {**changes, "data.pkl": pickled(uniform(tensor(16), named("big") + b"]"))})
    outcome = render(model)
    assert outcome.returncode == 2 and "not run: changes a list, so that a later run" in outcome.stderr, outcome


def test_an_operator_that_believes_what_it_is_told_is_refused(entries, model):
    """Told of room for ten, libtorch would write a million."""
    weight = "    weight = self.weight\n"
    for repeats, size, fault in (("torch.full([2], 5, dtype=4)", "None", ""),
                                 ("weight, 2, 0", "8", ""),
                                 ("torch.sub(torch.mul(torch.arange(2, dtype=4), -1999990), -1000000)", "10",
                                  "model.pt: not run: tells how large a result will be")):
        code = f"    r = torch.repeat_interleave({repeats}, output_size={size})\n    weight = torch.add(weight, torch.sum(r))\n"
        pack(model, changed(entries, weight, weight + code))
        outcome = render(model)
        assert outcome.returncode == (2 if fault else 0) and fault in outcome.stderr, outcome


def test_types_and_layouts_that_do_not_exist_are_refused(entries, model):
    weight = "    weight = self.weight\n"
    zeros = "torch.add(weight, torch.zeros([4], {}))"
    for code, what in (("torch.to(weight, -1)", "dtype"), ("torch.to(weight, 255)", "dtype"), ("torch.to(weight, 12)", "dtype"),
                       ("torch.to(weight, torch.size(input_ids, 0))", "dtype"), (zeros.format("dtype=255"), "dtype"),
                       (zeros.format("layout=1"), "layout"), ("torch.clone(weight, memory_format=99)", "memory_format")):
        pack(model, changed(entries, weight, weight + f"    weight = {code}\n"))
        outcome = render(model)
        assert outcome.returncode == 2 and f"model.pt: not run: names no {what} that it could" in outcome.stderr, (code, outcome)
    for code in ("torch.to(weight, 6)", "torch.to(torch.to(weight, 7), ops.prim.dtype(weight))", zeros.format("dtype=6, layout=0"),
                 "torch.clone(weight, memory_format=0)"):
        pack(model, changed(entries, weight, weight + f"    weight = {code}\n"))
        assert render(model).returncode == 0, code


def test_calls_that_would_end_the_process_are_refused(entries, model):
    weight = "    weight = self.weight\n"
    for code, what in (("torch.add(weight, torch.remainder(3, 0))", "Arguments for call are not valid"),
                       ("torch.add(weight, torch.remainder(torch.size(input_ids, 0), 0))", "Arguments for call are not valid"),
                       ("torch.to(weight, None, False, True)", "copies in a way that no trace does"),
                       ("torch.to(weight, False, True)", "copies in a way that no trace does"),
                       ("torch.remainder(weight, 3)", ""), ("torch.add(weight, torch.remainder(5., 3.))", ""), ("torch.to(weight, 6, False, True)", "")):
        pack(model, changed(entries, weight, weight + f"    weight = {code}\n"))
        outcome = render(model)
        assert outcome.returncode == (2 if what else 0) and what in outcome.stderr, (code, outcome)


def test_bombs_truncations_overlaps_and_lying_sizes_are_refused(entries, model):
    path = model / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**entries, SOURCE: b" " * (65 << 20)}.items():
            archive.writestr(f"m/{name}", content)
    refused(model, "makes the sources larger than 16777216 bytes")
    pack(model, entries)
    whole = path.read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(model, "")
    records = [match.start() for match in re.finditer(b"PK\x01\x02", whole)]
    overlapping = bytearray(whole)
    overlapping[records[1] + 42:records[1] + 46] = whole[records[0] + 42:records[0] + 46]
    path.write_bytes(overlapping)
    refused(model, "has another name in front of its data")
    lying = bytearray(whole)
    lying[records[0] + 24:records[0] + 28] = struct.pack("<I", 5)
    path.write_bytes(lying)
    refused(model, "is stored, yet has two sizes")


def needs_landlock():
    if "sandbox Landlock" not in attnviz("--version", "--verbose").stdout:
        pytest.skip("the kernel has no Landlock")


def test_what_is_trusted_can_write_only_where_the_output_goes(entries, model, tmp_path):
    needs_landlock()
    (tmp_path / "figures").mkdir()
    written = tmp_path / "written"
    data = changed(entries, "    weight = self.weight\n",
                   f'    weight = self.weight\n    torch.save(input_ids, "{written}")\n')
    pack(model, data)
    for archive in (data, with_setstate(entries, written)):
        pack(model, archive)
        render(model, "--trust-model", cwd=tmp_path / "figures")
        assert not written.exists()
    pack(model, data)
    assert render(model, "--trust-model", "--sandbox", "off", cwd=tmp_path / "figures").returncode == 0
    assert written.exists()


HEAD = ["--layer", "1", "--head", "0"]


@pytest.mark.parametrize("place", ["precious", "made/precious"])
@pytest.mark.parametrize("words, flags", [
    (["render"], [*HEAD, "-o", "out.svg", "the bank"]),
    (["render"], [*HEAD, "the bank"]),
    (["render"], [*HEAD, "-o", "figs", "--input", "texts.txt"]),
    (["extract"], ["-o", "out.npz", "the bank"]),
    (["analyze"], ["the bank"]),
    (["analyze"], ["--json", "--input", "texts.txt", "-o", "figs"]),
    (["view", "head"], ["-o", "out.html", "the bank"]),
    (["compare"], [*HEAD, "--against", "can the", "-o", "out.svg", "the bank"]),
    (["models", "verify"], []),
])
def test_what_is_trusted_alters_nothing_beside_its_output(entries, model, tmp_path, words, flags, place):
    needs_landlock()
    here = tmp_path / "here"
    (here / "made").mkdir(parents=True)
    (here / place).write_bytes(b"precious")
    (here / "texts.txt").write_text("the bank\n")
    code = f'    weight = self.weight\n    torch.save(input_ids, "{here}/{place}")\n'
    pack(model, changed(entries, "    weight = self.weight\n", code))
    command = [*words, *([] if words[0] == "models" else ["--model"]), model, "--trust-model"]
    attnviz(*command, *flags, cwd=here)
    assert (here / place).read_bytes() == b"precious"
    assert not list(here.glob("**/.attnviz*"))
    attnviz(*command, "--sandbox", "off", *flags, cwd=here)
    assert (here / place).read_bytes() != b"precious"  # which it would do


def test_a_directory_that_was_made_for_nothing_goes_again(entries, model, tmp_path):
    (tmp_path / "texts.txt").write_text("the bank\n")
    (model / "model.pt").write_bytes(b"no archive")
    for name, fault in ((model, "model.pt"), ("none", "no such model")):
        outcome = attnviz("render", "--model", name, *HEAD, "--input", "texts.txt", "-o", "figs", cwd=tmp_path)
        assert outcome.returncode == 2 and fault in outcome.stderr, outcome
        assert not (tmp_path / "figs").exists()
    pack(model, entries)
    for flags, fault in ((["--input", "texts.txt", "-o", "none/figs"], "none/figs: can't be made a directory"),
                         (["-o", "none/x.svg", "the bank"], "none/x.svg: can't be written: No such file or directory")):
        outcome = attnviz("render", *HEAD, "--model", model, *flags, cwd=tmp_path)
        assert outcome.returncode == 2 and fault in outcome.stderr, outcome


@contextlib.contextmanager
def full_pipe():
    """Who writes into it waits."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("words", [
    "render -o out.svg", "render --input texts.txt -o figs", "grid", "analyze", "tokens", "tokens --input texts.txt",
    "extract", "extract figure.png", "redraw figure.png -o out.svg", "diff figure.png figure.png -o out.svg",
    "check figure.png", "check figure.png --baseline .", "merge run", "models", "models info", "models verify",
    "serve --port 0"])
def test_every_command_is_confined(entries, model, tmp_path, words):
    """It is looked at while it waits for somebody to take its first word."""
    needs_landlock()
    pack(model, entries)
    (tmp_path / "texts.txt").write_text("the bank\n")
    (tmp_path / "run").mkdir()
    arguments = words.split()
    if "figure.png" in arguments:
        assert attnviz("render", "--model", model, *HEAD, "-o", "figure.png", "the bank", cwd=tmp_path).returncode == 0
    if arguments[:2] in (["models", "info"], ["models", "verify"]):
        arguments.append(model)
    elif arguments[0] in ("render", "grid", "analyze", "tokens", "extract") and "figure.png" not in arguments:
        arguments += ["--model", model, *([] if "--input" in arguments else ["the bank"])]
    environment = {**os.environ, "ATTNVIZ_MODELS": str(tmp_path)}
    with full_pipe() as full, subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=tmp_path, stdout=full, stderr=full,
                                               stdin=subprocess.DEVNULL, env=environment) as process:
        try:
            status, end = "", time.monotonic() + 60
            while "Seccomp:\t2" not in status:
                assert process.poll() is None and time.monotonic() < end, status
                status = Path(f"/proc/{process.pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            limits = Path(f"/proc/{process.pid}/limits").read_text()
            assert re.search(r"Max data size +\d", limits), limits
        finally:
            process.kill()


def test_trusted_files_are_not_overwritten_through_a_shared_mapping(entries, model, tmp_path):
    needs_landlock()
    (tmp_path / "figures").mkdir()
    (tmp_path / "precious").write_bytes(b"precious" * 8)
    code = f'    y = torch.from_file("{tmp_path}/precious", True, 4, dtype=6)\n    z = torch.fill_(y, 0)\n'
    pack(model, changed(entries, "    weight = self.weight\n", "    weight = torch.add(self.weight, 0)\n" + code))
    refused(model, "calls torch.from_file")
    render(model, "--trust-model", cwd=tmp_path / "figures")
    assert (tmp_path / "precious").read_bytes() == b"precious" * 8


def test_calls_that_double_are_refused(entries, model):
    name = "__torch__.strangers_test.f"
    functions = "def f0(x: Tensor) -> Tensor:\n  return torch.neg(x)\n" + "".join(
        f"def f{i}(x: Tensor) -> Tensor:\n  return {name}{i - 1}({name}{i - 1}(x))\n" for i in range(1, 40))
    calling = changed(entries, "    weight = self.weight\n", f"    weight = {name}39(self.weight)\n")
    pack(model, {**calling, SOURCE: functions.encode() + calling[SOURCE]})
    outcome = render(model)
    assert outcome.returncode == 2 and "call each other more than 1000000 times" in outcome.stderr, outcome


def test_a_memory_bomb_gets_an_error(entries, model):
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = sum(int(line.split()[1]) for line in lines if line.startswith(("MemAvailable:", "SwapFree:"))) * 1024
    zeros = f"torch.zeros([4, {free // 16 + (1 << 26)}])"
    pack(model, changed(entries, "    weight = self.weight\n",
                        f"    weight = torch.add(self.weight, torch.select({zeros}, 1, 0))\n"))
    outcome = render(model)
    assert outcome.returncode == 2 and "you tried to allocate" in outcome.stderr, outcome


def test_an_endless_loop_is_refused_and_where_it_is_trusted_ctrl_c_ends_it(entries, model):
    loop = "    n = 0\n    a = True\n    while a:\n      n = torch.add(n, 1)\n      a = torch.gt(n, 0)\n"
    code = loop + "    weight = torch.add(self.weight, n)\n"
    pack(model, changed(entries, "    weight = self.weight\n", code))
    refused(model, "'while', which no trace has")
    command = [PROGRAM, "render", "--model", model, "--layer", "1", "--head", "0", "--trust-model", "-o", "-",
               "--format", "svg", "the bank can"]
    heed_interrupts = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which a shell's background jobs do not
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_interrupts) as process:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=2)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == -signal.SIGINT
        finally:
            process.kill()


def test_a_figure_cannot_ask_for_trust(entries, model, tmp_path):
    """What check allows a model stands on its own command line, whatever a figure's record says."""
    pack(model, entries)
    assert render(model, cwd=tmp_path).returncode == 0
    figure = tmp_path / "out.svg"
    asking = re.sub(r'("|&quot;)--layer\1', lambda match: ",".join(
        match[1] + word + match[1] for word in ("--trust-model", "--sandbox", "off", "--layer")), figure.read_text())
    assert "--trust-model" in asking
    figure.write_text(asking)
    pack(model, changed(entries, "    weight = self.weight\n",
                        f'    weight = self.weight\n    torch.save(input_ids, "{tmp_path}/written")\n'))
    outcome = attnviz("check", figure)
    assert outcome.returncode == 2 and "calls torch.save, which is not known to be harmless" in outcome.stdout, outcome
    assert not (tmp_path / "written").exists()


def test_requiring_a_sandbox(entries, model, tmp_path):
    needs_landlock()
    pack(model, entries)
    assert render(model, "--sandbox", "require", cwd=tmp_path).returncode == 0


def test_what_writes_still_writes_inside_the_sandbox(entries, model, tmp_path):
    """To new and to present directories, over files, through links, to devices and by other commands."""
    pack(model, entries)
    (tmp_path / "texts.txt").write_text("the bank\ncan the\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.svg").symlink_to(tmp_path / "elsewhere/real.svg")
    head = ["render", "--model", model, "--layer", "1", "--head", "0"]
    for arguments in (
        [*head, "the bank"],
        [*head, "-o", "elsewhere/one.png", "the bank"],
        [*head, "-o", "elsewhere/one.png", "the bank can"],
        [*head, "-o", "link.svg", "the bank"],
        [*head, "-o", "/dev/null", "--format", "png", "the bank"],
        [*head, "--input", "texts.txt", "-o", "figures"],
        [*head, "--input", "texts.txt", "-o", "figures", "--resume"],
        ["extract", "--model", model, "-o", "x.npz", "the bank"],
        ["compare", "--model", model, "--model", model, "--layer", "1", "--head", "0", "--against", "can the",
         "-o", "c.pdf", "the bank"],
        ["analyze", "--model", model, "the bank"],
        ["check", "elsewhere/one.png", "--report", "elsewhere/report.html", "--report", "report.xml"],
        ["check", "elsewhere", "--baseline", "baselines", "--update", "--force"],
        ["models", "verify", model],
    ):
        outcome = attnviz(*arguments, cwd=tmp_path)
        assert outcome.returncode == 0, (arguments, outcome)
    for name in ("elsewhere/real.svg", "figures/index.html", "x.npz", "c.pdf", "elsewhere/report.html", "report.xml",
                 "baselines/one.png"):
        assert (tmp_path / name).is_file(), name
    assert (tmp_path / "link.svg").is_symlink()
