"""Runs every tokenizer over every kind of text, a few processes at once, and prints the counts."""
import concurrent.futures
import dataclasses
import functools
import itertools
import multiprocessing
import time

from . import comparison, inputs, subjects

SHOWN_DIFFERENCES = 5


@dataclasses.dataclass
class Result:
    subject: str
    texts: str
    records: int = 0
    differences: int = 0
    examples: tuple = ()
    seconds: float = 0

    def __str__(self):
        counts = f"{self.subject} {self.texts}: {self.records:,} texts, {self.differences:,} differences"
        return "\n".join([f"{counts} ({self.seconds:.0f} s)", *self.examples])


SCALARS = [f"scalars {context}" for context in inputs.CONTEXTS]


def readable_words(reference):
    """What the vocabulary's entries look like in a text."""
    entries = sorted(reference.get_vocab(with_added_tokens=False))
    if "ByteLevel" not in repr(reference.pre_tokenizer):
        return sorted({entry.removeprefix("##").replace("▁", " ") for entry in entries} - {""})
    byte_of = {letter: byte for byte, letter in subjects.byte_letters().items()}
    words = (bytes(byte_of[letter] for letter in entry if letter in byte_of) for entry in entries)
    return sorted({word.decode(errors="ignore") for word in words} - {""})


def text_makers(words, added, fraction):
    """What makes the texts of each kind for one tokenizer; `fraction` of all that the full sweep has."""
    pieces = [*added, " ", "  ", "a", "The", "É", "1", ".", "\u0301", "\n"]

    def some(name, texts):
        return inputs.some(fraction, name, texts)

    def random_texts(name, alphabet, full_count, longest, joiners=("",)):
        return inputs.random_texts(name, alphabet, int(full_count * fraction), longest, joiners)

    return {
        "runs of scalars": lambda: inputs.scalars_in_runs(fraction),
        "edge cases": lambda: inputs.EDGE_CASES,
        "sentences": inputs.sentences,
        "interesting pairs": lambda: some("interesting pairs", inputs.interesting_pairs()),
        "vocabulary": lambda: some("vocabulary", inputs.vocabulary_entries(words)),
        "ascii pairs": lambda: some("ascii pairs", inputs.ascii_pairs()),
        "apostrophes": lambda: some("apostrophes", inputs.apostrophes()),
        "added tokens": lambda: some("added tokens", inputs.around_added_tokens(added)),
        "added tokens among words": lambda: random_texts("added", pieces, 100_000, 10),
        "vocabulary's characters": lambda: random_texts("characters", sorted(set("".join(words))), 200_000, 20),
        "vocabulary's words": lambda: random_texts("words", words, 250_000, 8, (" ", "", "  ")),
        "assigned characters": lambda: random_texts("assigned", inputs.assigned_characters(), 300_000, 12),
        "interesting characters": lambda: random_texts("interesting", inputs.interesting(), 200_000, 10),
        "random scalars": lambda: inputs.random_scalars(int(150_000 * fraction), 12),
        "altered sentences": lambda: inputs.altered_sentences(int(60_000 * fraction)),
        "sentence pairs": lambda: inputs.sentence_pairs("pairs", int(30_000 * fraction)),
    }


def settings_and_texts(kind, tokenizer, fraction):
    """Pairs of settings and texts that make up one kind."""
    plain = comparison.Settings()
    if kind in SCALARS:
        return [(plain, inputs.in_context(kind.removeprefix("scalars "), inputs.scalars(fraction)))]
    if kind == "truncated":
        return [(comparison.Settings(max_tokens=limit), inputs.short_texts_and_pairs(limit, int(2_000 * fraction)))
                for limit in (5, 6, 7, 8, 16, 33)]
    if kind == "without special tokens":
        return [(comparison.Settings(max_tokens=limit, special_tokens=False),
                 inputs.short_texts_and_pairs(limit, int(5_000 * fraction))) for limit in (0, 9)]
    return [(plain, text_makers(tokenizer.words, tokenizer.added_tokens, fraction)[kind]())]


KINDS = [
    *SCALARS, "runs of scalars", "edge cases", "sentences", "interesting pairs", "vocabulary", "ascii pairs",
    "apostrophes", "added tokens", "added tokens among words", "vocabulary's characters", "vocabulary's words",
    "assigned characters", "interesting characters", "random scalars", "altered sentences", "sentence pairs",
    "truncated", "without special tokens",
]


@dataclasses.dataclass(frozen=True)
class Task:
    program: str
    subject: subjects.Subject
    kinds: tuple
    fraction: float


class Opened:
    """A tokenizer on both sides, with what its texts are made of."""

    def __init__(self, program, subject):
        self.reference = subject.reference()
        self.program = comparison.Program(program, subject.directory)
        self.words = readable_words(self.reference)
        self.added_tokens = sorted({token.content for token in self.reference.get_added_tokens_decoder().values()})


opened = functools.lru_cache(maxsize=1)(Opened)


def carry_out(task):
    return [compare_kind(kind, task, opened(task.program, task.subject)) for kind in task.kinds]


def compare_kind(kind, task, tokenizer):
    result = Result(task.subject.name, kind)
    start = time.monotonic()
    fraction = task.fraction
    if kind in SCALARS and not task.subject.every_scalar:
        fraction = min(fraction, 0.02)
    for settings, texts in settings_and_texts(kind, tokenizer, fraction):
        for records, differences in comparison.compare(tokenizer.program, tokenizer.reference, texts, settings):
            result.records += records
            result.differences += len(differences)
            room = SHOWN_DIFFERENCES - len(result.examples)
            result.examples += tuple(map(str, differences[:room]))
    result.seconds = time.monotonic() - start
    return result


def run(program, folder, fraction=1.0, jobs=2, names=("",), kinds=("",), makers=(subjects.make_subjects,)):
    """Yields a Result for each tokenizer and kind of text whose names contain one of those given."""
    made = [subject for make in makers for subject in make(folder)]
    chosen = [subject for subject in made if any(name in subject.name for name in names)]
    wanted = [kind for kind in KINDS if any(part in kind for part in kinds)]
    # A sample spends its time on opening tokenizers, the whole sweep on texts.
    groups = [(kind,) for kind in wanted] if fraction == 1 else [tuple(wanted)]
    tasks = [Task(str(program), subject, group, fraction) for subject in chosen for group in groups]
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        for results in pool.map(carry_out, tasks):
            yield from results
