#!/usr/bin/env python3
"""Writes src/tokens/unicode_tables.inc, the character tables of the tokens room.

The tokenizers being followed use four versions of Unicode at once, so the tables are made from the
Unicode Character Database of each, as npm carries it:

    npm install --prefix ucd @unicode/unicode-{8,9,16,17}.0.0
    scripts/unicode_tables.py ucd/node_modules/@unicode

Needs node. Canonical decompositions and combining classes come from Python's own unicodedata,
limited to what Unicode 9.0 assigned: the stability policy keeps both as they were for every
character once assigned, so any later database says the same of them.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import unicodedata

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "src" / "tokens" / "unicode_tables.inc"
CODE_POINTS = 0x110000
BLOCK = 128  # as in unicode.cc
FLAGS = ("control", "whitespace", "punctuation", "nonspacing_mark", "letter", "number", "word",
         "normalized", "cased")


def read_database(folder):
    """The code points of each needed property, and the lower-case mapping."""
    wanted = {
        "control": ("8.0.0", "General_Category/Control"),
        "format": ("8.0.0", "General_Category/Format"),
        "private_use": ("8.0.0", "General_Category/Private_Use"),
        "punctuation": ("8.0.0", "General_Category/Punctuation"),
        "nonspacing_mark": ("8.0.0", "General_Category/Nonspacing_Mark"),
        "assigned": ("9.0.0", "Binary_Property/Assigned"),
        "letter": ("16.0.0", "General_Category/Letter"),
        "number": ("16.0.0", "General_Category/Number"),
        "whitespace": ("16.0.0", "Binary_Property/White_Space"),
        "alphabetic": ("16.0.0", "Binary_Property/Alphabetic"),
        "mark": ("16.0.0", "General_Category/Mark"),
        "digit": ("16.0.0", "General_Category/Decimal_Number"),
        "connector": ("16.0.0", "General_Category/Connector_Punctuation"),
        "join_control": ("16.0.0", "Binary_Property/Join_Control"),
        "lowercase": ("17.0.0", "Simple_Case_Mapping/Lowercase"),
    }
    paths = {
        name: str((folder / f"unicode-{version}" / part / "code-points.mjs").resolve())
        for name, (version, part) in wanted.items()
    }
    program = """
      const result = {};
      for (const [name, path] of Object.entries(JSON.parse(process.argv[1]))) {
        const value = (await import(path)).default;
        result[name] = value instanceof Map ? [...value] : value;
      }
      process.stdout.write(JSON.stringify(result));
    """
    node = subprocess.run(
        ["node", "--input-type=module", "-e", program, json.dumps(paths)],
        check=True, stdout=subprocess.PIPE)
    database = json.loads(node.stdout)
    lowercase = dict(map(tuple, database.pop("lowercase")))
    return {name: set(values) for name, values in database.items()}, lowercase


def canonical_decompositions(assigned):
    """{code point: (first, second or 0)}, one step; Hangul syllables are computed, not listed."""
    pairs = {}
    for code_point in sorted(assigned):
        mapping = unicodedata.decomposition(chr(code_point)) if not is_surrogate(code_point) else ""
        if mapping and not mapping.startswith("<"):
            parts = [int(part, 16) for part in mapping.split()]
            pairs[code_point] = (parts[0], parts[1] if len(parts) == 2 else 0)
    # unicode.cc decomposes only the first of the two again.
    assert all(second not in pairs for _, second in pairs.values())
    return pairs


def is_surrogate(code_point):
    return 0xD800 <= code_point <= 0xDFFF


def combining_class_ranges(assigned):
    """[first, last, class] for neighbours of one class that is not 0."""
    ranges = []
    for code_point in sorted(assigned):
        value = unicodedata.combining(chr(code_point)) if not is_surrogate(code_point) else 0
        if value == 0:
            continue
        if ranges and ranges[-1][1] == code_point - 1 and ranges[-1][2] == value:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point, value])
    return ranges


def lowercase_ranges(lowercase):
    """[first, last, step, distance]: every step-th character from first to last moves by distance."""
    ranges = []
    for code_point, lower in sorted(lowercase.items()):
        distance = lower - code_point
        if ranges and ranges[-1][3] == distance:
            first, last, step, _ = ranges[-1]
            gap = code_point - last
            if gap == step or (first == last and gap <= 2):
                ranges[-1][1:3] = [code_point, gap]
                continue
        ranges.append([code_point, code_point, 1, distance])
    return ranges


def flags_of_all(database, lowercase, normalized):
    members = {
        "control": (database["control"] | database["format"] | database["private_use"] | {0xFFFD})
                   - set(map(ord, "\t\n\r")),
        "whitespace": database["whitespace"],
        "punctuation": database["punctuation"] | {c for c in range(0x21, 0x7F) if not chr(c).isalnum()},
        "nonspacing_mark": database["nonspacing_mark"],
        "letter": database["letter"],
        "number": database["number"],
        "word": set().union(*(database[name] for name in
                             ("alphabetic", "mark", "digit", "connector", "join_control"))),
        "normalized": normalized,
        "cased": set(lowercase),
    }
    flags = [0] * CODE_POINTS
    for bit, name in enumerate(FLAGS):
        for code_point in members[name]:
            flags[code_point] |= 1 << bit
    return flags


def wrapped(items, width=108):
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) > width:
            lines.append(line)
            line = ""
        line += item
    return "\n".join(lines + [line])


def table(declaration, rows):
    return f"constexpr {declaration} = {{\n{wrapped(rows)}\n}};\n"


def class_tables(flags):
    """Characters of equal flags are one class, written as one letter; equal blocks are kept once."""
    classes = sorted(set(flags))
    letters = {value: chr(ord("A") + index) for index, value in enumerate(classes)}
    assert len(classes) <= 26
    blocks, index_of_block = {}, []
    for start in range(0, CODE_POINTS, BLOCK):
        block = "".join(letters[value] for value in flags[start:start + BLOCK])
        index_of_block.append(blocks.setdefault(block, len(blocks)))
    return (
        table(f"std::uint16_t kFlagsOfClass[{len(classes)}]", (f"{value}," for value in classes))
        + table(f"std::uint16_t kBlockOf[{len(index_of_block)}]", (f"{index}," for index in index_of_block))
        + f"constexpr char kClassesOfBlock[{len(blocks)}][{BLOCK} + 1] = {{\n"
        + "".join(f'"{block}",\n' for block in blocks) + "};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="holds unicode-8.0.0, -9.0.0, -16.0.0 and -17.0.0")
    arguments = parser.parse_args()

    database, lowercase = read_database(arguments.folder)
    assigned = database["assigned"]
    decompositions = canonical_decompositions(assigned)
    combining = combining_class_ranges(assigned)
    normalized = set(decompositions) | {c for first, last, _ in combining for c in range(first, last + 1)}
    flags = flags_of_all(database, lowercase, normalized)

    lower = lowercase_ranges(lowercase)
    text = "// Generated by scripts/unicode_tables.py from Unicode 8.0, 9.0, 16.0 and 17.0; not edited by hand.\n"
    text += "// clang-format off\n"
    text += "enum Flag : std::uint16_t {\n" + "".join(
        f"  kFlag{name.title().replace('_', '')} = {1 << bit},\n" for bit, name in enumerate(FLAGS)) + "};\n"
    text += f"constexpr std::size_t kBlockSize = {BLOCK};\n"
    text += class_tables(flags)
    text += table(f"Decomposition kDecompositions[{len(decompositions)}]",
                  (f"{{{c:#x},{first:#x},{second:#x}}},"
                   for c, (first, second) in decompositions.items()))
    text += table(f"CombiningClassRange kCombiningClasses[{len(combining)}]",
                  (f"{{{first:#x},{last:#x},{value}}}," for first, last, value in combining))
    text += table(f"LowercaseRange kLowercase[{len(lower)}]",
                  (f"{{{first:#x},{last:#x},{step},{distance}}}," for first, last, step, distance in lower))
    OUTPUT.write_text(text)
    print(f"{OUTPUT}: {len(text):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
