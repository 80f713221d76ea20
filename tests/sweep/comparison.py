"""Asks tests/tokens_sweep.cc and the reference for the same encodings, and finds where they differ."""
import dataclasses
import itertools
import struct
import subprocess

import numpy as np

BATCH_CHARACTERS = 200_000
BATCH_RECORDS = 20_000


@dataclasses.dataclass(frozen=True)
class Settings:
    max_tokens: int = 0  # 0: no limit
    special_tokens: bool = True


@dataclasses.dataclass(frozen=True)
class Difference:
    record: object  # a text, or a pair of texts
    settings: Settings
    expected: dict
    actual: dict

    def __str__(self):
        lines = [f"    text {ascii(self.record)}" + (f" {self.settings}" if self.settings != Settings() else "")]
        for name, expected in self.expected.items():
            if expected != self.actual[name]:
                lines.append(f"      {name}: reference {ascii(expected)}")
                lines.append(f"      {' ' * len(name)}  attnviz   {ascii(self.actual[name])}")
        return "\n".join(lines)


class Program:
    """A running tokens_sweep; it ends with this object. tests/tokens_sweep.cc describes the exchange."""

    def __init__(self, program, directory, *options):
        self.process = subprocess.Popen(
            [program, directory, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20)

    def __del__(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def ask(self, records, settings):
        parts = [struct.pack("<3I", len(records), settings.max_tokens, settings.special_tokens)]
        for record in records:
            texts = (record,) if isinstance(record, str) else record
            parts.append(struct.pack("<I", len(texts)))
            for text in texts:
                encoded = text.encode()
                parts += (struct.pack("<I", len(encoded)), encoded)
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()

    def answer(self, records):
        counts = self._read(np.uint32, len(records))
        tokens = int(counts.sum())
        columns = {
            "counts": counts,
            "ids": self._read(np.uint32, tokens),
            "offsets": self._read(np.uint32, 2 * tokens),
            "types": self._read(np.uint8, tokens),
            "special": self._read(np.uint8, tokens),
            "sequence": self._read(np.int8, tokens),
        }
        columns["tokens"] = self._read(np.uint8, int(self._read(np.uint32, 1)[0]))
        return columns

    def _read(self, kind, count):
        size = np.dtype(kind).itemsize * count
        data = self.process.stdout.read(size)
        if len(data) != size:
            raise RuntimeError(f"tokens_sweep ended early with status {self.process.wait()}; its words are above")
        return np.frombuffer(data, kind)


def reference_columns(encodings):
    def column(values, kind):
        return np.fromiter(itertools.chain.from_iterable(values), kind)

    names = list(itertools.chain.from_iterable(encoding.tokens for encoding in encodings))
    return {
        "counts": np.fromiter(map(len, encodings), np.uint32),
        "ids": column((encoding.ids for encoding in encodings), np.uint32),
        "offsets": column(
            (itertools.chain.from_iterable(encoding.offsets) for encoding in encodings), np.uint32),
        "types": column((encoding.type_ids for encoding in encodings), np.uint8),
        "special": column((encoding.special_tokens_mask for encoding in encodings), np.uint8),
        "sequence": np.fromiter(
            (-1 if number is None else number for encoding in encodings for number in encoding.sequence_ids),
            np.int8),
        "tokens": np.frombuffer("\0".join([*names, ""]).encode(), np.uint8),
    }


def split_records(columns):
    """One dict a record."""
    names = columns["tokens"].tobytes().decode(errors="backslashreplace").split("\0")
    start = 0
    for count in columns["counts"].tolist():
        end = start + count
        yield {
            "tokens": names[start:end],
            "ids": columns["ids"][start:end].tolist(),
            "offsets": columns["offsets"][2 * start:2 * end].reshape(-1, 2).tolist(),
            **{name: columns[name][start:end].tolist() for name in ("types", "special", "sequence")},
        }
        start = end


def in_batches(records):
    batch, characters = [], 0
    for record in records:
        batch.append(record)
        characters += len(record) if isinstance(record, str) else len(record[0]) + len(record[1])
        if len(batch) >= BATCH_RECORDS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def compare(program, reference, records, settings=Settings()):
    """Yields (number of records, list of Difference) for each batch."""
    reference.no_truncation()
    if settings.max_tokens:
        reference.enable_truncation(settings.max_tokens)
    for batch in in_batches(records):
        program.ask(batch, settings)
        expected = reference_columns(reference.encode_batch(batch, add_special_tokens=settings.special_tokens))
        actual = program.answer(batch)
        differences = []
        if any(not np.array_equal(expected[name], actual[name]) for name in expected):
            differences = [
                Difference(record, settings, one, other)
                for record, one, other in zip(batch, split_records(expected), split_records(actual))
                if one != other]
        yield len(batch), differences
