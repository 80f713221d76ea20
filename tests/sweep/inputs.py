"""The texts of the sweep. Everything is seeded: the same program gives the same texts again."""
import functools
import itertools
import pathlib
import random
import unicodedata

LANGUAGES = pathlib.Path(__file__).resolve().parent.parent / "data" / "languages"

CONTEXTS = {
    "alone": "{}",
    "between letters": "a{}b",
    "between digits": "1{}2",
    "at the start": "{}he was",
    "at the end": "he was{}",
    "doubled": "{0}{0}",
    "after a mark": "e\u0301{}",
}

# Where the four versions of Unicode, the categories and the fixed ranges part ways.
TRAPS = [
    0x0, 0x1, 0x8, 0x9, 0xA, 0xB, 0xC, 0xD, 0x1B, 0x1C, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0xA0, 0xAA, 0xAD, 0xB2, 0xB5,
    0xBA, 0xBD, 0xD7, 0xDF, 0x130, 0x131, 0x149, 0x17F, 0x1C4, 0x1C5, 0x1F0, 0x2BC, 0x300, 0x301, 0x307, 0x315,
    0x316, 0x323, 0x327, 0x334, 0x338, 0x340, 0x344, 0x345, 0x34F, 0x378, 0x37A, 0x37E, 0x37F, 0x387, 0x390, 0x3A3,
    0x3C2, 0x3C9, 0x3F4, 0x483, 0x488, 0x587, 0x591, 0x5BF, 0x600, 0x604, 0x61C, 0x622, 0x64B, 0x651, 0x660, 0x6DD,
    0x70F, 0x7FD, 0x8D3, 0x8E2, 0x903, 0x929, 0x93C, 0x94D, 0x958, 0x9CB, 0xB94, 0xC04, 0xC55, 0xE33, 0xE38, 0xEB3,
    0xF43, 0xF71, 0xF73, 0xF81, 0x1026, 0x1037, 0x10A0, 0x10D0, 0x10FC, 0x1100, 0x115F, 0x1160, 0x1161, 0x1175,
    0x11A7, 0x11A8, 0x11C2, 0x135D, 0x13A0, 0x13F5, 0x1680, 0x17B4, 0x17D2, 0x180B, 0x180E, 0x1AB0, 0x1AC0, 0x1B06,
    0x1C88, 0x1C89, 0x1C90, 0x1CD0, 0x1DC0, 0x1DF5, 0x1DF9, 0x1E9B, 0x1E9E, 0x1F80, 0x1FBE, 0x1FC1, 0x1FCD, 0x1FFC,
    0x2000, 0x2001, 0x200A, 0x200B, 0x200C, 0x200D, 0x200E, 0x2010, 0x2014, 0x2018, 0x2019, 0x2028, 0x2029, 0x202A,
    0x202E, 0x202F, 0x205F, 0x2060, 0x2065, 0x2066, 0x2070, 0x207F, 0x20AC, 0x20D0, 0x20DD, 0x20E3, 0x20F0, 0x2126,
    0x212A, 0x212B, 0x2160, 0x2183, 0x219A, 0x2260, 0x2329, 0x2460, 0x24B6, 0x2ADC, 0x2C2F, 0x2C7E, 0x2CEF, 0x2D7F,
    0x2DE0, 0x2E2F, 0x2E42, 0x2E43, 0x2E5D, 0x3000, 0x3001, 0x3007, 0x302A, 0x302E, 0x3042, 0x304C, 0x3099, 0x309A,
    0x309B, 0x3131, 0x33FF, 0x3400, 0x4DB5, 0x4DB6, 0x4DBF, 0x4DC0, 0x4E00, 0x9FD5, 0x9FFF, 0xA000, 0xA640, 0xA66F,
    0xA7AE, 0xA7CB, 0xA7CE, 0xA7D2, 0xA7DC, 0xA7F1, 0xA8E0, 0xA953, 0xAB30, 0xAB70, 0xABED, 0xAC00, 0xAC01, 0xD7A3,
    0xD7A4, 0xD7B0, 0xD7FB, 0xD7FF, 0xE000, 0xF8FF, 0xF900, 0xFA0E, 0xFA6D, 0xFA70, 0xFAD9, 0xFAFF, 0xFB00, 0xFB01,
    0xFB1D, 0xFB1E, 0xFB2A, 0xFDD0, 0xFE00, 0xFE0F, 0xFE10, 0xFE20, 0xFE2E, 0xFEFF, 0xFF01, 0xFF07, 0xFF21, 0xFF41,
    0xFFA0, 0xFFF9, 0xFFFB, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x101FD, 0x10400, 0x104B0, 0x10570, 0x10A0D,
    0x10A3F, 0x10C80, 0x10D24, 0x10D40, 0x10D4A, 0x10EAB, 0x11099, 0x1109A, 0x110BA, 0x110BD, 0x110CD, 0x1112E,
    0x11046, 0x1134B, 0x11366, 0x11383, 0x114BB, 0x115BA, 0x118A0, 0x11938, 0x13430, 0x16AF0, 0x16E40, 0x16EA0,
    0x1BCA0, 0x1D15E, 0x1D165, 0x1D166, 0x1D16D, 0x1D173, 0x1D17B, 0x1D1BB, 0x1D242, 0x1D400, 0x1D7CE, 0x1E000,
    0x1E8D0, 0x1E900, 0x1E921, 0x1E944, 0x1E94A, 0x1E95E, 0x1F100, 0x1F130, 0x1F1E6, 0x1F3FB, 0x1F468, 0x1F600,
    0x1FBF0, 0x1FFFE, 0x20000, 0x2A6D6, 0x2A6DF, 0x2A6E0, 0x2A700, 0x2B73F, 0x2B740, 0x2B81F, 0x2B820, 0x2B91F,
    0x2B920, 0x2CEAF, 0x2CEB0, 0x2EBE0, 0x2F800, 0x2FA1D, 0x2FA1F, 0x2FFFF, 0x30000, 0x31350, 0x3FFFF, 0x40000,
    0xDFFFF, 0xE0000, 0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF, 0xEFFFF, 0xF0000, 0xFFFFD, 0x100000, 0x10FFFD,
    0x10FFFF,
]

EDGE_CASES = [
    "", " ", "  ", "\t", "\n", "\r\n", "a", " a", "a ", "  a  b  ", "\na\n\nb\n", "tail  ", "tail \n ", "x\t\ty",
    "The bank can refuse to lend money to the person by the river bank.", "a\u000Bb", "a\u0085b", "soft\u00ADhyphen",
    "zero\u200Bwidth", "\uFEFFmark", "line\u2028separator\u2029paragraph", "no\u00A0break\u3000wide", "\u0378",
    "가각힣 한국어", "\uF900\uF901 豈更", "ﬁ ① ½ ² ⅷ", "İstanbul ISTANBUL ıİ", "STRASSE Straße ẞ", "ΑΣ ΟΔΥΣΣΕΥΣ ς σ",
    "\u0345\u03B1\u0345", "don’t don't DON'T don`t donʼt", "\U0002B740\U0002B820 中文 日本語", "a中b文c", "中1文2",
    "a" * 99, "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 100, "e\u0301" * 101, "가" * 50, "가" * 51, "İ" * 50,
    "İ" * 51, "aa " * 200, "x" * 5000, "ab" * 3000, "!" * 300, "'" * 50, "I've I'Ve I'VE we'll we'LL it's it’s 'tis",
    "'s 't 're 've 'm 'll 'd 'S", "'s's's", "a's b't", "x''s", " 's", "\u180Ea\u180E ", "1½2²3", "3.14 1,000 1e-5",
    "[MASK]", " [MASK] ", "[mask]", "[CLS] a [SEP] b [PAD][UNK]", "[ MASK ]", "x[MASK]y", "[MASK", "MASK]", "##ing",
    "## ing", "<s>a</s>", "<mask>", " <mask>", "a <mask> b", "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ",
    "\u0301", "\u0301a", "a\u0301\u0316\u0334", "a\u0334\u0316\u0301", "a" + "\u0301\u0316" * 100,
    "\u1100\u1161\u11A8 각 \u1100\u1161", "👩‍👩‍👧‍👦 👍🏽 🇩🇪 1️⃣", "مرحبا بالعالم", "שָׁלוֹם", "नमस्ते", "Ὀδυσσεύς",
    "e\u0301\u200De", "a\u0000b", "\uFFFD", "\U0010FFFF", "C++ #1 @home $5 50% ~/x_y", "http://example.org/?a=b&c=d#e",
    "\r", "\ra\rb", " \u00A0 ", "Ġ Ċ ĉ", "\u00C5 \u212B A\u030A", "\u01D5\u0305", "q\u0307\u0323 q\u0323\u0307",
]


def seeded(*names):
    return random.Random("/".join(map(str, names)))


@functools.lru_cache(maxsize=2)
def scalars(fraction):
    """All 1,112,064, or a fraction of them that has the traps in it."""
    everything = [*range(0xD800), *range(0xE000, 0x110000)]
    if fraction == 1:
        return everything
    return sorted({*seeded("scalars").sample(everything, int(fraction * len(everything))), *TRAPS, *range(0x180)})


def in_context(context, code_points):
    pattern = CONTEXTS[context]
    return (pattern.format(chr(code_point)) for code_point in code_points)


def scalars_in_runs(fraction):
    """Each scalar among its neighbours, once beside them and once with spaces between."""
    points = list(map(chr, scalars(fraction)))
    for start in range(0, len(points), 60):
        yield "".join(points[start:start + 60])
        yield " ".join(points[start:start + 60])


@functools.lru_cache(maxsize=1)
def assigned_characters():
    return [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]


@functools.lru_cache(maxsize=1)
def interesting():
    """512 characters: the traps, some of ASCII, and two marks of every combining class."""
    chosen = dict.fromkeys([*map(chr, TRAPS), *"aAzZ09_ .,'!-[]<>#|"])
    by_class = {}
    for character in assigned_characters():
        by_class.setdefault(unicodedata.combining(character), []).append(character)
    for combining_class, members in sorted(by_class.items()):
        if combining_class:
            chosen.update(dict.fromkeys(members[:2]))
    chooser = seeded("interesting")
    while len(chosen) < 512:
        chosen.setdefault(chooser.choice(assigned_characters()))
    assert len(chosen) == 512
    return list(chosen)


def interesting_pairs():
    return map("".join, itertools.product(interesting(), repeat=2))


def some(fraction, name, texts):
    """All of `texts`, or about that fraction of them."""
    chooser = seeded("some", name)
    return (text for text in texts if fraction == 1 or chooser.random() < fraction)


def vocabulary_entries(words):
    return (pattern.format(word) for word in words for pattern in ("{}", " {}", "a{}"))


def ascii_pairs():
    characters = [chr(c) for c in range(128)]
    for a, b in itertools.product(characters, repeat=2):
        yield from (a + b, f"{a} {b}", f" {a}{b}", f"{a}{b} ")


def apostrophes():
    before = ["", " ", "a", "I", "é", "1", ".", "'", "\n", "a ", "don", "\u0301"]
    after = ["", " ", "a", "1", "'", ".", " b", "\u0301"]
    endings = "s t re ve m ll d S T Re vE M lL D x l r v st 1".split() + [""]
    for parts in itertools.product(before, "'’ʼ`´＇", endings, after):
        yield "".join(parts)


def around_added_tokens(contents):
    around = ["", " ", "  ", "\t", "\u3000", "\u0085", "a", "É", "_", "1", ".", "-", "中", "\u0301", "\u200B", "[MASK]"]
    for content in contents:
        for shown in dict.fromkeys([content, content.upper(), content.lower(), content[:-1]]):
            for left, right in itertools.product(around, repeat=2):
                yield left + shown + right
        for other in contents:
            yield from (content + other, f"{content} {other}", f"x {content}{other} y")


def random_texts(name, alphabet, count, longest, joiners=("",)):
    """`count` texts of up to `longest` random members of `alphabet`, joined by one of the joiners."""
    chooser = seeded(name)
    for _ in range(count):
        members = chooser.choices(alphabet, k=chooser.randint(1, longest))
        yield chooser.choice(joiners).join(members)


def random_scalars(count, longest):
    chooser = seeded("random scalars")
    for _ in range(count):
        points = (chooser.randrange(0x10F800) for _ in range(chooser.randint(1, longest)))
        yield "".join(chr(point if point < 0xD800 else point + 0x800) for point in points)


@functools.lru_cache(maxsize=1)
def sentences():
    lines = [line for path in sorted(LANGUAGES.glob("*.txt")) for line in path.read_text("utf8").splitlines()]
    assert len(lines) > 1000, f"{LANGUAGES}: the texts are missing"
    return lines


def altered_sentences(count):
    """Pieces of real sentences with a few characters replaced, doubled, swapped or of another case."""
    chooser = seeded("altered sentences")
    for _ in range(count):
        line = chooser.choice(sentences())
        start = chooser.randrange(len(line))
        piece = list(line[start:start + chooser.randint(5, 60)])
        for _ in range(chooser.randint(1, 4)):
            place = chooser.randrange(len(piece))
            piece[place] = chooser.choice([
                chooser.choice(interesting()), piece[place] * 2, piece[place].upper(), piece[place].lower(),
                unicodedata.normalize("NFD", piece[place]), " " + piece[place], piece[place - 1]])
        yield "".join(piece)


def sentence_pairs(name, count):
    chooser = seeded("sentence pairs", name)
    pool = [*sentences(), *EDGE_CASES[:20], *interesting()]
    return ((chooser.choice(pool), chooser.choice(pool)) for _ in range(count))


def short_texts_and_pairs(name, count):
    """For cutting: the reference's time for that grows with the square of the length."""
    yield from (text for text in EDGE_CASES if len(text) < 200)
    for pair in sentence_pairs(name, count):
        yield tuple(text[:80] for text in pair)
