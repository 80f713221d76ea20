"""The rows of random files beside Python's csv and json: index, line, texts and which rows are refused, exactly."""
import csv
import io
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "rows_dump"
FILES = 4000


def ask(files):
    """The rows of each file, as [index, line, text, id, fault]; a string where the file is refused."""
    lines = "".join(json.dumps({"header": False, "replace": False, **file, "bytes": file["bytes"].hex()}) + "\n"
                    for file in files)
    done = subprocess.run([TOOL], input=lines, check=True, capture_output=True, text=True, encoding="utf8")
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(files)
    return answers


def random_bytes(numbers, pieces, most):
    bom = numbers.choice(["", "", "", "\ufeff"]).encode()
    return bom + b"".join(numbers.choice(pieces) for _ in range(numbers.randrange(most)))


def block_bytes(numbers):
    return numbers.choice([3, 4, 5, 8, 1 << 18])


def fault_of_utf8(field, prefix=""):
    """The fault of bytes, or nothing."""
    try:
        field.decode("utf8")
    except UnicodeDecodeError as error:
        return f"{prefix}not UTF-8 at byte {error.start} (0x{field[error.start]:02X})"


def checked(field, ident, replace):
    """Text, id and fault of a row's fields, given as bytes."""
    how = "replace" if replace else "strict"
    fault = None if replace else fault_of_utf8(field)
    text = "" if fault else field.decode("utf8", how)
    fault = fault or (None if text else "empty")
    if ident is not None:
        bad = None if replace else fault_of_utf8(ident, "id: ")
        ident, fault = (None if bad else ident.decode("utf8", how)), fault or bad
    return [text, ident, fault or ""]


def test_lines():
    numbers = random.Random(1)
    pieces = [b"a", b" ", b"\n", b"\r\n", b"\r", "é☕".encode(), "\u2028\ufeff".encode(), b"\0", b"\xff", b"\xe2\x98"]
    files = [{"name": "a.txt", "bytes": random_bytes(numbers, pieces, 20), "block_bytes": block_bytes(numbers),
              "replace": numbers.random() < 0.3} for _ in range(FILES)]
    for file, rows in zip(files, ask(files)):
        lines = file["bytes"].removeprefix("\ufeff".encode()).replace(b"\r\n", b"\n").split(b"\n")
        lines = lines[:-1] if not lines[-1] else lines
        expected = [[i, i + 1, *checked(line, None, file["replace"])] for i, line in enumerate(lines)]
        assert rows == expected, file


def csv_rows(file, delimiter):
    """Python's rows but for the empty ones, as [line, fields, the strict reader's complaint]."""
    # Bytes that are not UTF-8 go through the reader as they are.
    text = file["bytes"].removeprefix("\ufeff".encode()).decode("utf8", "surrogateescape")
    lines = list(io.StringIO(text, newline=""))
    reader, line = csv.reader(iter(lines), delimiter=delimiter), 1
    for fields in reader:
        complaint = None
        try:
            list(csv.reader(iter(lines[line - 1:reader.line_num]), delimiter=delimiter, strict=True))
        except csv.Error as error:
            complaint = str(error)
        if fields:
            yield line, [field.encode("utf8", "surrogateescape") for field in fields], complaint
        line = reader.line_num + 1


def expect_csv_row(row, line, fields, complaint, width, columns, replace):
    """By design faults, where Python repairs in silence: ragged rows, text behind a closing quote, a quote that is
    still open at the end."""
    assert row[1] == line
    if complaint:
        assert row[2:4] == ["", None]
        assert re.fullmatch(r"quote not closed|text behind a closing quote in column \d+", row[4])
        assert row[4] == "quote not closed" or "end of data" not in complaint
    elif len(fields) != width:
        assert row[2:] == ["", None, f"wrong number of fields, expected {width}, got {len(fields)}"]
    else:
        text, ident = columns
        assert row[2:] == checked(fields[text], None if ident is None else fields[ident], replace)


@pytest.mark.parametrize("name, delimiter", [("a.csv", ","), ("a.tsv", "\t")])
def test_tables(name, delimiter):
    numbers = random.Random(2)
    pieces = [b"a", b" ", b"\n", b"\n", b"\r\n", b"\r", b'"', b'"', b'""', b"\t", b",", delimiter.encode(), b"\0",
              delimiter.encode() * 2, b'"x y"', b'"a\nb",', "é☕".encode(), "\u2028\ufeff".encode(), b"\xff"]
    files = []
    for i in range(FILES):
        file = {"name": name, "block_bytes": block_bytes(numbers), "replace": numbers.random() < 0.3,
                "bytes": random_bytes(numbers, pieces, 30), "header": i % 2 == 1, "text": "1"}
        if file["header"]:
            header = numbers.choice([b"", b"\xef\xbb\xbf", b"\n"]) + b'n%b"t t"\r\n' % delimiter.encode()
            file |= {"text": "t t", "id": "n", "bytes": header + random_bytes(numbers, pieces, 30)}
        files.append(file)
    good = 0
    for file, rows in zip(files, ask(files)):
        expected = list(csv_rows(file, delimiter))
        width = next((len(fields) for _, fields, complaint in expected if not complaint), 0)
        expected = expected[1:] if file["header"] else expected
        assert [row[0] for row in rows] == list(range(len(expected))), file
        for row, (line, fields, complaint) in zip(rows, expected):
            expect_csv_row(row, line, fields, complaint, width, (1, 0) if file["header"] else (0, None),
                           file["replace"])
            good += not row[4]
    assert good > FILES / 2


def random_json(numbers, depth=0):
    kind = numbers.randrange(4 if depth > 2 else 6)
    if kind < 2:
        return numbers.choice(["", "a", "☕é", "\U0001f600", "\\", '"', "\u2028", "\0\x1f\x7f", "text"])
    if kind < 4:
        return numbers.choice([None, True, False, 0, -7, 2.5, 1e-5, 2**63, -(10**25)])
    values = [random_json(numbers, depth + 1) for _ in range(numbers.randrange(4))]
    return values if kind == 4 else dict(zip(["text", "id", "x", "☕"], values))


def random_line(numbers):
    """An object, mostly with the fields asked for, and often altered in a byte or two."""
    pairs = [("text", numbers.choice(["", "a", "☕é\U0001f600"])), ("id", numbers.choice(["", "7", 7, -(10**25)]))]
    pairs += [(numbers.choice(["text", "id", "x", "☕"]), random_json(numbers)) for _ in range(numbers.randrange(3))]
    numbers.shuffle(pairs)
    pairs = pairs[:numbers.randrange(1, 5)]
    as_json = json.JSONEncoder(ensure_ascii=numbers.random() < 0.5).encode
    line = "{" + numbers.choice([", ", ",\t"]).join(f"{as_json(key)}: {as_json(value)}" for key, value in pairs) + "}"
    line = bytearray((line if numbers.random() < 0.95 else as_json(random_json(numbers))).encode())
    while numbers.random() < 0.3:
        at = numbers.randrange(len(line) + 1)
        line[at:at + numbers.randrange(2)] = numbers.choice(
            [b"", b" ", b'"', b",", b"[", b"}", b"0", b"-", b"\\", b"\\ud83d", b"\\ude00", b"\0", b"\xff", b"\t", b"NaN"])
    return bytes(line)


def refuse(what):
    raise ValueError(what)


def whole(pairs):
    """Refuses half surrogate pairs, which Python's json lets through: they are no text."""
    json.dumps(pairs, ensure_ascii=False).encode()
    return dict(pairs)


def parsed(line):
    """The object in a line of bytes, or nothing. NaN and Infinity, which Python's json takes, are no JSON."""
    try:
        value = json.loads(line.decode(), parse_constant=refuse, object_pairs_hook=whole)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def expect_json_row(row, line):
    value = parsed(line)
    if value is None:
        assert row[2:4] == ["", None] and re.fullmatch(
            r"(not JSON|half of a surrogate pair) at byte \d+|not UTF-8 at byte \d+ \(0x..\) of the line"
            "|expected an object, got .*", row[4])
        return
    text, ident = value.get("text"), value.get("id")
    ident = ident if isinstance(ident, str) or type(ident) is int else None
    assert row[3] == (None if ident is None else str(ident))
    if isinstance(text, str) and ident is not None:
        assert [row[2], row[4]] == [text, "" if text else "empty"]
    else:
        assert re.fullmatch('no field "(text|id)"|"(text|id)" is .*, expected a string( or an integer)?', row[4])


def test_json_lines():
    numbers = random.Random(3)
    files = []
    for _ in range(FILES):
        lines = [numbers.choice([b"", b" \t", b"\r", random_line(numbers), random_line(numbers)]) for _ in range(4)]
        end = numbers.choice([b"\n", b"\r\n"])
        files.append({"name": "a.jsonl", "id": "id", "block_bytes": block_bytes(numbers),
                      "bytes": numbers.choice([b"", b"\xef\xbb\xbf"]) + end.join(lines)})
    good = 0
    for file, rows in zip(files, ask(files)):
        lines = enumerate(file["bytes"].removeprefix("\ufeff".encode()).split(b"\n"), 1)
        expected = [(number, line) for number, line in lines if line.strip(b" \t\r")]
        assert [row[:2] for row in rows] == [[i, number] for i, (number, _) in enumerate(expected)], file
        for row, (_, line) in zip(rows, expected):
            expect_json_row(row, line)
            good += not row[4]
    assert good > FILES / 10
