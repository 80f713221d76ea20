"""What is read of random pickles beside Python's pickle module: the same values, with the same parts in common, or a refusal."""
import collections
import io
import os
import pathlib
import pickle
import random
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "pickle_dump"
PICKLES = 40_000


class Storage(tuple):
    """What a persistent id stands for."""


class Tensor:
    def __init__(self, *arguments):
        self.arguments = arguments


class Object:
    """Of one of the archive's own classes, with the state that it was given."""

    built, state = False, ()

    def __setstate__(self, state):
        self.built, self.state = True, list(state.items())


FUNCTIONS = {("torch._utils", "_rebuild_tensor_v2"): Tensor, ("collections", "OrderedDict"): collections.OrderedDict,
             ("torch.jit._pickle", "restore_type_tag"): lambda value, kind: value,
             **{("torch.jit._pickle", f"build_{name}list"): lambda value, name=name: value
                for name in ("int", "double", "bool", "tensor")}}  # fmt: skip
NAMES = {function: "\n".join(name) for name, function in FUNCTIONS.items()}


class Restricted(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in FUNCTIONS:
            return FUNCTIONS[module, name]
        if module == "torch" and name.endswith("Storage"):
            return type(name, (), {"text": f"{module}\n{name}"})
        if module.split(".")[0] == "__torch__":
            return type(name, (Object,), {"text": f"{module}\n{name}"})
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, ident):
        return Storage(ident)


class TooLarge(Exception):
    pass


class Text:
    """As tests/support/pickle_text.h writes it."""

    def __init__(self):
        self.seen, self.kept, self.left = {}, [], 50_000

    def parts(self, values, ends):
        return ends[0] + "".join(self.of(value) + "," for value in values) + ends[1]

    def of(self, value):
        self.left -= 1
        if self.left < 0:
            raise TooLarge
        if value is None:
            return "N"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int):
            return f"i{value}"
        if isinstance(value, float):
            return "d" + struct.pack(">d", value).hex()
        if isinstance(value, str):
            return "s" + value.encode().hex()
        if isinstance(value, Storage):
            _, kind, name, _, count = value
            return f"w{kind.text.encode().hex()}|{name.encode().hex()}|{count}"
        if isinstance(value, tuple):
            return self.parts(value, "()")
        if isinstance(value, (list, dict, Tensor, Object)):
            return self.of_shared(value)
        return "g" + (NAMES.get(value) or value.text).encode().hex()

    def of_shared(self, value):
        if id(value) in self.seen:
            return f"#{self.seen[id(value)]}"
        self.seen[id(value)] = len(self.seen)
        self.kept.append(value)  # so that no other value gets its id
        if isinstance(value, list):
            return self.parts(value, "[]")
        if isinstance(value, dict):
            return self.parts([part for item in value.items() for part in item], "{}")
        if isinstance(value, Tensor):
            storage, offset, sizes, strides, trained, _ = value.arguments
            return ("T" if trained else "t") + str(offset) + self.parts((storage, sizes, strides), "<>")
        built = "+" if value.built else "-"
        return "o" + type(value).text.encode().hex() + built + self.parts([part for item in value.state for part in item], "{}")


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(numbers):
    return numbers.choice([lambda: b"K" + bytes([numbers.randrange(256)]), lambda: b"M" + numbers.randbytes(2),
                           lambda: b"J" + numbers.randbytes(4), lambda: b"\x8a\x08" + numbers.randbytes(8)])()


def tensor(numbers, of_storage=None):
    storage = of_storage or (b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(numbers.choice("012")) + text("cpu") +
                             number(numbers) + b"tQ")
    shape = b"".join(numbers.choice([b")", b"K\x02\x85", b"(K\x01K\x02K\x03t"]) for _ in range(2))
    hooks = numbers.choice([b"N", b"ccollections\nOrderedDict\n)R"])
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(numbers) + shape + numbers.choice([b"\x88", b"\x89"]) + hooks + b"tR"


def value(numbers, depth):
    """The instructions that make one; some are numbered and taken again."""
    def some(most=3):
        return b"".join(value(numbers, depth - 1) for _ in range(numbers.randrange(most + 1)))

    def items():
        keys = numbers.sample("abcd", numbers.randrange(4))
        return b"".join(text(key) + value(numbers, depth - 1) for key in keys)

    scalars = [lambda: b"N", lambda: b"\x88", lambda: b"\x89", lambda: number(numbers), lambda: b"G" + numbers.randbytes(8),
               lambda: text(numbers.choice(["", "a", "weight"])), lambda: tensor(numbers),
               lambda: b"h" + bytes([numbers.randrange(6)])]
    nests = [lambda: b"](" + some() + b"e", lambda: b"]" + value(numbers, depth - 1) + b"a", lambda: b"}(" + items() + b"u",
             lambda: b"}" + text("a") + value(numbers, depth - 1) + b"s", lambda: b"(" + some() + b"t",
             lambda: value(numbers, depth - 1) + b"\x85", lambda: b"".join(value(numbers, depth - 1) for _ in "ab") + b"\x86",
             lambda: b"c__torch__.a\n" + numbers.choice([b"A", b"B"]) + b"\n)\x81}(" + items() + b"ub",
             lambda: b"ctorch.jit._pickle\nbuild_intlist\n](" + some() + b"e\x85R",
             lambda: b"ctorch.jit._pickle\nrestore_type_tag\n](" + some() + b"e" + text("List[str]") + b"\x86R"]
    made = numbers.choice(nests if depth > 0 and numbers.random() < 0.6 else scalars)()
    return made + (b"q" + bytes([numbers.randrange(6)]) if numbers.random() < 0.5 else b"")


PIECES = [bytes([opcode]) for opcode in b"()N\x88\x89]}tesuabRQ\x81\x85\x86\x87"] + [b"q\x01", b"h\x01", b"q\x02", b"h\x02", b"r\x01\0\0\0",
          b"j\x02\0\0\0", b"K\x01", b"c__torch__\nA\n", b"ctorch.jit._pickle\nbuild_intlist\n", b"cos\nsystem\n", text("a")]


def random_pickle(numbers):
    body = value(numbers, numbers.randrange(5))
    kind = numbers.random()
    if kind < 0.3:  # without much sense
        body = b"".join(numbers.choice(PIECES) for _ in range(numbers.randrange(1, 14)))
    elif kind < 0.6:  # with something else in between
        for _ in range(numbers.randrange(1, 4)):
            place = numbers.randrange(len(body) + 1)
            body = body[:place] + numbers.choice(PIECES) + body[place + numbers.randrange(3):]
    return b"\x80\x02" + body + b"."


def expected(data):
    try:
        return Text().of(Restricted(io.BytesIO(data)).load())
    except (TooLarge, RecursionError):
        return ""
    except Exception as error:  # whatever Python says of a pickle that makes no sense
        return f"!{error}"


def test_values_are_pythons_or_refused():
    numbers = random.Random(19)
    pickles = [random_pickle(numbers) for _ in range(PICKLES)]
    stream = b"".join(struct.pack("<I", len(data)) + data for data in pickles)
    lines = subprocess.run([TOOL], input=stream, check=True, capture_output=True).stdout.decode(errors="replace").split("\n")[:-1]
    assert len(lines) == len(pickles)
    read = 0
    for data, line in zip(pickles, lines, strict=True):
        if line and not line.startswith("!"):
            read += 1
            assert line == expected(data), data
    assert read > PICKLES / 5, read
