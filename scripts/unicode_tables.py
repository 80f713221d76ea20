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

# In the order of unicode.h's Category.
CATEGORIES = {
    "Cn": "Unassigned", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter",
    "Lm": "Modifier_Letter", "Lo": "Other_Letter", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number",
    "Pc": "Connector_Punctuation", "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation",
    "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation",
    "Po": "Other_Punctuation", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol",
    "So": "Other_Symbol", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator",
    "Cc": "Control", "Cf": "Format", "Co": "Private_Use", "Cs": "Surrogate",
}


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
        "mark_9": ("9.0.0", "General_Category/Mark"),
        "number_17": ("17.0.0", "General_Category/Number"),
        **{f"category {short}": ("16.0.0", f"General_Category/{name}") for short, name in CATEGORIES.items()},
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


def compatibility_decompositions(assigned):
    """{code point: characters}, in full, of those that have no canonical one but a tagged one."""
    full = {}
    for code_point in sorted(assigned):
        if not is_surrogate(code_point) and unicodedata.decomposition(chr(code_point)).startswith("<"):
            full[code_point] = unicodedata.normalize("NFKD", chr(code_point))
    return full


def compositions(pairs):
    """(first, second, composite): the canonical pairs that NFC puts together again."""
    return sorted((first, second, code_point) for code_point, (first, second) in pairs.items()
                  if second and unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(code_point))


def category_starts(database):
    """(first, category) wherever the category changes."""
    category = [0] * CODE_POINTS
    for number, name in enumerate(CATEGORIES):
        for code_point in database[f"category {name}"]:
            category[code_point] = number
    return [(c, category[c]) for c in range(CODE_POINTS) if c == 0 or category[c] != category[c - 1]]


def ranges_of(code_points):
    ranges = []
    for code_point in sorted(code_points):
        if ranges and ranges[-1][1] == code_point - 1:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point])
    return ranges


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


def compatibility_tables(decompositions):
    """One text of all, each stored once, and where in it each lies."""
    kept = ""
    for value in sorted(set(decompositions.values()), key=lambda value: (-len(value), value)):
        if value not in kept:
            kept += value
    rows = (f"{{{c:#x},{kept.index(value)},{len(value)}}}," for c, value in decompositions.items())
    return (table(f"char32_t kCompatibilityText[{len(kept)}]", (f"{ord(c):#x}," for c in kept))
            + table(f"Compatibility kCompatibility[{len(decompositions)}]", rows))


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
    text += compatibility_tables(compatibility_decompositions(assigned))
    composed = compositions(decompositions)
    text += table(f"Composition kCompositions[{len(composed)}]",
                  (f"{{{first:#x},{second:#x},{c:#x}}}," for first, second, c in composed))
    starts = category_starts(database)
    text += table(f"std::uint32_t kCategoryStarts[{len(starts)}]",
                  (f"{first << 5 | category:#x}," for first, category in starts))
    for name, key in (("kMarks", "mark_9"), ("kNumeric", "number_17")):
        ranges = ranges_of(database[key])
        text += table(f"Range {name}[{len(ranges)}]", (f"{{{first:#x},{last:#x}}}," for first, last in ranges))
    OUTPUT.write_text(text)
    print(f"{OUTPUT}: {len(text):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
