"""The records in figures' files against other readers: Pillow, an XML parser, Poppler, and the PDF's own tables."""
import json
import os
import pathlib
import random
import re
import subprocess
import xml.etree.ElementTree
import zlib

import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "record_files"


@pytest.fixture(params=[0, 100, 60_000], ids=["small", "longer", "more than one piece"])
def figure(request, tmp_path):
    """A record, and the directory of the files that carry it."""
    numbers = random.Random(1)
    record = json.dumps({"text": "</metadata> ]]> -- & \"🏦\" \u0001",
                         "weights": [numbers.random() for _ in range(request.param)]}, ensure_ascii=False).encode()
    (tmp_path / "record").write_bytes(record)
    subprocess.run([TOOL, tmp_path / "record", tmp_path], check=True)
    return record, tmp_path


def test_pillow_reads_the_png(figure):
    record, directory = figure
    with Image.open(directory / "a.png") as image:
        image.load()
        assert image.size == (90, 30)
        # Of several texts with one keyword it keeps the last.
        assert record.endswith(image.text["attnviz"].encode())
        assert len(record) > 1_000_000 or image.text["attnviz"].encode() == record


def test_an_xml_parser_reads_the_svg(figure):
    record, directory = figure
    svg = xml.etree.ElementTree.parse(directory / "a.svg")
    pieces = svg.findall("{http://www.w3.org/2000/svg}metadata/{urn:attnviz:record}record")
    assert "".join(piece.text for piece in pieces).encode() == record


def test_the_pdfs_newest_table_leads_to_its_objects(figure):
    record, directory = figure
    pdf = (directory / "a.pdf").read_bytes()
    table = pdf[int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[1]):]
    entries = re.findall(rb"(\d+) 1\n(\d{10}) 00000 n \n", table)
    assert len(entries) == 3
    for number, offset in entries:
        assert pdf[int(offset):].startswith(number + b" 0 obj\n")
    length = int(re.findall(rb"/EmbeddedFile\b.*?/Length (\d+)", pdf, re.S)[-1])
    start = re.search(rb"/EmbeddedFile\b.*?stream\n", pdf, re.S).end()
    assert zlib.decompress(pdf[start:start + length]) == record


def test_poppler_reads_the_pdf(figure):
    record, directory = figure
    listed = subprocess.run(["pdfdetach", "-list", directory / "a.pdf"], check=True, capture_output=True, text=True)
    assert "attnviz.json" in listed.stdout and not listed.stderr
    subprocess.run(["pdfdetach", "-save", "1", "-o", directory / "out", directory / "a.pdf"], check=True)
    assert (directory / "out").read_bytes() == record
    text = subprocess.run(["pdftotext", directory / "a.pdf", "-"], check=True, capture_output=True, text=True)
    assert text.stdout.strip() == "bank" and not text.stderr
