"""The page of a view does in a browser what it says, from disk and without a network."""
import base64
import csv
import io
import json
import os
import pathlib
import re
import struct
import subprocess
import threading
import xml.etree.ElementTree as xml
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait
from support.browser import Browser

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))
MARKUP = "</script><img src=x onerror=alert(1)>"
HOSTILE = [MARKUP, "<!--", "]]>", "\u202eabc", "\t", "a&b\"'", "שלום", "x" * 80, "\x1b[31m"]


def packed(values, kind):
    return base64.b64encode(np.rint(values).astype(kind).tobytes()).decode()


def packed_vectors(vectors):
    scales = np.abs(vectors).max(axis=(2, 3)).astype("<f4")
    return {"numbers": packed(vectors / scales[:, :, None, None] * 32767, "<i2"),
            "scales": base64.b64encode(scales.tobytes()).decode()}


class Sample:
    """A record of random vectors and the attention that they make, as to_json(record, Packing::uint16) writes it."""

    def __init__(self, tokens, *, sources=None, layers=2, heads=3, second=None, causal=False, window=0, vectors=True, **sight):
        made = np.random.default_rng(7)
        count, size = len(tokens), 8
        query, key = (made.normal(size=(layers, heads, len(side), size)) for side in (tokens, sources or tokens))
        scores = query @ key.swapaxes(2, 3) / np.sqrt(size)
        if causal:
            scores[..., np.triu(np.ones((count, count), bool), 1)] = -np.inf
        if window:
            scores[..., np.abs(np.subtract.outer(range(count), range(count))) >= window] = -np.inf
        powers = np.exp(scores)
        self.weights = np.rint(65535 * powers / powers.sum(-1, keepdims=True)) / 65535
        self.tokens, self.query, self.key = tokens, query.astype("<f4"), key.astype("<f4")
        figure = {"kind": "view", "view": "head", "title": "model", "subtitle": " ".join(tokens), "notes": ["A note."],
                  "layers": list(range(1, layers + 1)), "heads": list(range(heads)), "tokens": [["", token, False] for token in tokens],
                  "causal": causal, "layer": layers, "shown_heads": list(range(heads)), "token_is_key": False, "threshold": 0,
                  "filter": "all", "packing": "uint16", **sight, "weights": packed(65535 * self.weights, "<u2")}
        if sources:
            figure["sources"] = [["", token, False] for token in sources]
        if window:
            figure["windows"] = [window] * layers
        if second is not None:
            figure["second_from"] = second
        if vectors:
            figure |= {"head_size": size, "query": packed_vectors(query), "key": packed_vectors(key)}
        text = {"model": "model", "sha256": {}, "backend": "checkpoint", "text": figure["subtitle"], "tokens": tokens, "ids": [0] * count}
        look = {"colors": "Blues", "scale": "linear", "annotate": "auto", "theme": "light"}
        self.record = {"format": 1, "program": "attnviz 0.1.0", "arguments": ["view"], "texts": [text], "look": look, "figure": figure}

    def as_norms(self, largest):
        """The same lengths, up to `largest`, as to_json() writes norms: not rounded."""
        self.weights = (self.weights / self.weights.max() * largest).astype("<f4")
        self.record["figure"] |= {"quantity": "Norm of Weighted Vectors", "packing": "float32",
                                  "weights": base64.b64encode(self.weights.tobytes()).decode()}
        return self

    def spoiled(self):
        """Layer 2's head 1 has NaN for the query 2, and so nothing is rounded."""
        self.query[1, 1, 2, 0] = self.weights[1, 1, 2] = np.nan
        arrays = {"weights": self.weights.astype("<f4"), "query": self.query, "key": self.key}
        self.record["figure"] |= {"packing": "float32"}
        self.record["figure"] |= {name: base64.b64encode(array.tobytes()).decode() for name, array in arrays.items()}
        return self

    def write(self, path):
        subprocess.run([BUILD / "page_files", path], input=json.dumps(self.record).encode(), check=True)
        return path

    def at(self, layer, head):
        return self.weights[layer - 1, head]


# How many pixels of the drawing are not empty. A copy is read, as the browser warns of repeated readings.
PAINTED = """
const canvases = [...document.querySelectorAll("#stage canvas")], copy = document.createElement("canvas");
[copy.width, copy.height] = [canvases[0].width, canvases[0].height];
const context = copy.getContext("2d", { willReadFrequently: true });
for (const canvas of canvases) context.drawImage(canvas, 0, 0);
return context.getImageData(0, 0, copy.width, copy.height).data.filter((byte, i) => i % 4 === 3 && byte).length;
"""

WORDS = "the bank raised its rates".split()
PAIR = Sample(["[CLS]", "one", "two", "[SEP]", "three", "four", "[SEP]"], second=4)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(downloads=tmp_path_factory.mktemp("saved")) as opened:
        yield opened


@pytest.fixture
def show(browser, tmp_path):
    """Opens a sample's page, and in the end asks whether the console stayed empty."""
    def opened(sample, fragment=""):
        browser.open("about:blank")
        browser.messages()
        browser.open(sample.write(tmp_path / "page.html").as_uri() + fragment)
        settled(browser)
        return browser
    yield opened
    assert browser.messages() == []


def settled(browser):
    WebDriverWait(browser.driver, 20, 0.02).until(lambda _: not browser.run("return document.getElementById('stage').hasAttribute('aria-busy')"))


def find(browser, selector):
    return browser.driver.find_element(By.CSS_SELECTOR, selector)


def token(browser, side, number):
    return find(browser, f'[data-side="{side}"][data-token="{number}"]')


def hover(browser, element):
    ActionChains(browser.driver).move_to_element(element).perform()


def press(browser, *keys):
    ActionChains(browser.driver).send_keys(*keys).perform()


def says(browser):
    """The line of what is picked, without the characters that isolate tokens in it."""
    return find(browser, "#says").text.replace("\u2068", "").replace("\u2069", "")


def fragment(browser):
    return dict(word.split("=") for word in browser.driver.current_url.partition("#")[2].split("&"))


def choose(browser, name, value):
    Select(find(browser, "#" + name)).select_by_value(str(value))


def shown_heads(browser):
    return [int(tile.get_attribute("data-head")) for tile in browser.driver.find_elements(By.CSS_SELECTOR, "[data-head][aria-pressed=true]")]


def set_threshold(browser, value):
    browser.run("const at = document.getElementById('threshold'); at.value = arguments[0]; at.dispatchEvent(new Event('input'))", value)


def table(browser):
    """The table of numbers, row by row."""
    browser.run("document.getElementById('numbers').open = true")
    WebDriverWait(browser.driver, 10, 0.02).until(lambda _: browser.run("return document.querySelectorAll('#table tr').length > 1"))
    return browser.run("return [...document.querySelectorAll('#table tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")


def svg(browser):
    return xml.fromstring(browser.run("return svgOf(...inSight())"))


def lines(drawing):
    return drawing.findall(".//{http://www.w3.org/2000/svg}path")


def saved(browser, button, name):
    find(browser, "#save summary").click()
    find(browser, "#" + button).click()
    path = browser.downloaded(name)
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize("target, source", [("a b c d e f g h i j k l".split(), ["x", "y", "z"]), (["a", "b"], list("rstuvwxyz"))])
def test_a_target_stands_at_one_side_and_its_source_at_the_other(show, target, source):
    sample = Sample(target, sources=source)
    browser = show(sample, "#view=head&layer=2&heads=1&head=1")
    weights = sample.at(2, 1)
    for view in ("head", "heatmap", "neuron", "model"):
        find(browser, "#tab-" + view).click()
        settled(browser)
        assert browser.run(PAINTED) > 500
        if view == "model":
            continue
        if view == "neuron":
            find(browser, "#vectors").click()
        hover(browser, token(browser, "query", len(target) - 1))
        assert f"Target “{target[-1]}” ({len(target) - 1})" in says(browser)
        assert [row[0] for row in table(browser)] == [f"{i} {word}" for i, word in enumerate(source)]
        assert [float(row[1]) for row in table(browser)] == pytest.approx(weights[-1], abs=6e-3)
        hover(browser, token(browser, "key", len(source) - 1))
        assert f"Source “{source[-1]}” ({len(source) - 1})" in says(browser)
        assert [row[0] for row in table(browser)] == [f"{i} {word}" for i, word in enumerate(target)]
        assert [float(row[1]) for row in table(browser)] == pytest.approx(weights[:, -1], abs=6e-3)
    find(browser, "#tab-neuron").click()
    find(browser, "#vectors").click()
    hover(browser, token(browser, "query", 0))
    assert [float(row[3]) for row in table(browser)] == pytest.approx(weights[0], abs=6e-5)
    assert [float(row[2]) for row in table(browser)] == pytest.approx(weights[0], abs=1e-3)
    rows = list(csv.DictReader(io.StringIO(saved(browser, "save-csv", "attnviz-neuron-layer2.csv").decode(), newline="")))
    assert len(rows) == len(target) * len(source)
    assert all(float(row["weight"]) == pytest.approx(weights[int(row["query"]), int(row["key"])], abs=1e-8) for row in rows)
    assert [row["query_token"] for row in rows[:: len(source)]] == target
    assert [row["key_token"] for row in rows[: len(source)]] == source


def test_every_view_opens(show):
    browser = show(Sample(WORDS))
    assert find(browser, "h1").text == "model attention"
    assert find(browser, "#sentence").text == " ".join(WORDS)
    assert find(browser, "#notes").text == "A note."
    for view in ("model", "neuron", "heatmap", "head"):
        find(browser, "#tab-" + view).click()
        settled(browser)
        assert find(browser, "#tab-" + view).get_attribute("aria-selected") == "true"
        assert browser.run(PAINTED) > 500
        assert fragment(browser)["view"] == view


@pytest.mark.parametrize("causal", [False, True])
def test_what_is_not_finite_is_told_and_marked(show, causal):
    sample = Sample(WORDS, causal=causal).spoiled()
    browser = show(sample, "#view=neuron&layer=2&head=1&token=2")
    assert f"{3 if causal else 5} weights are not finite and have no lines" in find(browser, "#notes").text
    rows = table(browser)
    assert [row[1] for row in rows] == ["not finite"] * 3 + ["masked" if causal else "not finite"] * 2
    assert [row[2] for row in rows[:3]] == ["NaN"] * 3
    hover(browser, token(browser, "query", 1))
    assert np.allclose([float(row[2]) for row in table(browser)], sample.at(2, 1)[1], atol=1e-3)
    for view in ("model", "head", "heatmap"):
        find(browser, "#tab-" + view).click()
        settled(browser)
        assert browser.run(PAINTED) > 500
        drawing = browser.run("return svgOf(...inSight())")
        assert ("#e600e6" in drawing) == (view == "heatmap")
        assert not re.search(r' (x|y|d|width|height|opacity)="[^"]*NaN', drawing)


def test_norms_are_named_drawn_by_the_largest_and_saved_exactly(show):
    sample = Sample(WORDS, vectors=False, shown_heads=[1], token=2).as_norms(31)
    browser = show(sample)
    assert find(browser, "h1").text == "model norms of weighted vectors ‖αf(x)‖"
    assert "Query “%s” (2) has its largest norms with" % WORDS[2] in says(browser)
    found = [float(value) for _, value in table(browser)]
    assert np.allclose(found, sample.at(2, 1)[2], atol=6e-4)
    rows = list(csv.DictReader(io.StringIO(saved(browser, "save-csv", "attnviz-head-layer2.csv").decode(), newline="")))
    assert np.allclose([float(row["norm"]) for row in rows], sample.at(2, 1).ravel(), rtol=1e-7)
    assert float(find(browser, "#threshold").get_attribute("max")) == 31
    drawn = len(lines(svg(browser)))
    set_threshold(browser, 31)
    assert len(lines(svg(browser))) < drawn
    assert fragment(browser)["threshold"] == "31"
    find(browser, "#tab-neuron").click()
    assert "in a page without --weights norm" in find(browser, "#reason").text


def test_norms_of_a_quiet_layer_are_drawn_beside_its_own_largest(show):
    sample = Sample(WORDS, vectors=False, shown_heads=[1]).as_norms(31)
    quiet = Sample(WORDS, vectors=False, shown_heads=[1], layer=1).as_norms(31)
    quiet.weights[0] /= 1000
    quiet.record["figure"]["weights"] = base64.b64encode(quiet.weights.tobytes()).decode()
    largest = f"relative to the layer's largest norm, {quiet.weights[0].max():.3g}."
    browser = show(quiet)
    assert largest in says(browser)
    drawn = lines(svg(browser))
    browser = show(sample, "#view=head&layer=1&heads=1")
    assert len(drawn) == len(lines(svg(browser))) > 10


def test_it_opens_with_what_the_record_has_in_sight(show):
    browser = show(Sample(WORDS, layer=1, shown_heads=[0, 2], token=3, token_is_key=True, threshold=0.05))
    words = fragment(browser)
    assert {name: words[name] for name in ("view", "layer", "heads", "token", "side", "threshold")} == {
        "view": "head", "layer": "1", "heads": "0,2", "token": "3", "side": "key", "threshold": "0.05"}
    assert shown_heads(browser) == [0, 2]


@pytest.mark.parametrize("side", ["query", "key"])
def test_hovering_shows_one_tokens_weights(show, side):
    sample = Sample(WORDS)
    browser = show(sample)
    drawn = len(lines(svg(browser)))
    hover(browser, token(browser, side, 1))
    weights = sample.weights[1][:, 1, :] if side == "query" else sample.weights[1][:, :, 1]
    assert table(browser) == [[f"{i} {word}", *(f"{weight:.3f}" for weight in weights[:, i])] for i, word in enumerate(WORDS)]
    head, other = np.unravel_index(weights.argmax(), weights.shape)
    words = "Query “bank” (1) attends most to" if side == "query" else "Key “bank” (1) gets most from"
    assert says(browser).startswith(f"Layer 2, 3 heads. {words} “{WORDS[other]}” {weights[head, other]:.3f} (head {head})")
    assert 0 < len(lines(svg(browser))) < drawn
    hover(browser, find(browser, "h1"))
    assert len(lines(svg(browser))) == drawn


def test_values_beside_the_tokens_are_the_records(show):
    sample = Sample(WORDS, shown_heads=[1], token=2)
    texts = [text.text for text in svg(show(sample)).iter("{http://www.w3.org/2000/svg}text")]
    for weight in sample.at(2, 1)[2]:
        assert f"{weight:.3f}" in texts


def test_heads_are_toggled_and_isolated(show):
    browser = show(Sample(WORDS))
    tile = lambda head: find(browser, f'#stage [data-head="{head}"]')
    tile(1).click()
    assert shown_heads(browser) == [0, 2] and fragment(browser)["heads"] == "0,2"
    ActionChains(browser.driver).double_click(tile(2)).perform()
    assert shown_heads(browser) == [2]
    tile(2).click()
    assert shown_heads(browser) == [2]  # one stays
    ActionChains(browser.driver).double_click(tile(2)).perform()
    assert shown_heads(browser) == [0, 1, 2]


@pytest.mark.parametrize("view", ["head", "neuron"])
def test_a_pairs_sentences_are_filtered(show, view):
    browser = show(PAIR, f"#view={view}")
    for name, queries, keys in [("a-b", range(4), range(4, 7)), ("b-a", range(4, 7), range(4)), ("a-a", range(4), range(4)),
                                ("b-b", range(4, 7), range(4, 7)), ("all", range(7), range(7))]:
        choose(browser, "filter", name)
        for side, expected in (("query", queries), ("key", keys)):
            found = browser.driver.find_elements(By.CSS_SELECTOR, f'[data-side="{side}"]')
            assert [int(one.get_attribute("data-token")) for one in found] == list(expected), name
        assert fragment(browser)["filter"] == name
        if view == "neuron":
            assert [int(row[0].split()[0]) for row in table(browser)] == list(keys)
    assert not find(show(Sample(WORDS)), "#filter").is_displayed()


def test_layer_and_threshold(show):
    sample = Sample(WORDS, shown_heads=[0])
    browser = show(sample)
    choose(browser, "layer", 1)
    for threshold in (0.3, 0.1, 0.02):
        set_threshold(browser, threshold)
        assert len(lines(svg(browser))) == (sample.at(1, 0) >= threshold).sum()
    assert fragment(browser) == {"view": "head", "layer": "1", "heads": "0", "head": "0", "threshold": "0.02", "theme": "system"}


def test_everything_goes_by_keyboard(show):
    sample = Sample(WORDS)
    browser = show(sample)
    find(browser, "#tab-head").send_keys(Keys.ARROW_RIGHT)
    assert fragment(browser)["view"] == "model"
    press(browser, Keys.ARROW_LEFT)
    active = lambda name: browser.driver.switch_to.active_element.get_attribute(name)
    for _ in range(12):
        press(browser, Keys.TAB)
        if active("data-head"):
            break
    press(browser, Keys.ARROW_RIGHT, Keys.SPACE)
    assert shown_heads(browser) == [0, 2]
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    assert shown_heads(browser) == [1]
    press(browser, Keys.TAB, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert (active("data-side"), active("data-token")) == ("query", "2")
    assert "Query “raised” (2)" in says(browser)
    press(browser, Keys.ARROW_RIGHT, Keys.END, Keys.ENTER)
    assert (active("data-side"), active("data-token")) == ("key", "4")
    assert (fragment(browser)["token"], fragment(browser)["side"]) == ("4", "key")
    press(browser, Keys.ESCAPE)
    assert "token" not in fragment(browser)


def test_a_link_shows_the_same_picture(show, browser):
    for words in ("#view=head&layer=1&heads=0,2&head=2&token=5&side=key&threshold=0.05&filter=a-b&theme=dark",
                  "#view=model&layer=2&heads=1&head=1&threshold=0&filter=all&open=yes&rows=1&columns=0,1&theme=light",
                  "#view=neuron&layer=1&heads=all&head=1&token=2&side=query&threshold=0&filter=all&vectors=yes&theme=system",
                  "#view=heatmap&layer=1&heads=all&head=0&threshold=0&filter=b-b&map=mean&theme=system"):
        show(PAIR, words)
        assert "#" + browser.driver.current_url.partition("#")[2] == words
        first = browser.run("return svgOf(...inSight())")
        show(PAIR)
        browser.run("location.hash = arguments[0]", words)
        WebDriverWait(browser.driver, 10, 0.02).until(lambda _: browser.run("return svgOf(...inSight())") == first)
    for wrong in ("#view=no&layer=99&heads=x&token=-1&threshold=7&filter=c&theme=pink", "#%&&==", "#token=1.5"):
        assert fragment(show(PAIR, wrong))["layer"] == "2"


def test_what_is_picked_in_one_view_is_picked_in_all(show):
    browser = show(Sample(WORDS))
    find(browser, "#tab-model").click()
    settled(browser)
    find(browser, '[data-layer="1"][data-head="2"]').click()
    token(browser, "query", 3).click()
    find(browser, "#tab-neuron").click()
    assert "Layer 1, head 2. Query “its” (3)" in says(browser)
    find(browser, "#tab-head").click()
    assert shown_heads(browser) == [2]
    assert "Layer 1, head 2. Query “its” (3)" in says(browser)


def test_model_view(show):
    sample = Sample(WORDS)
    browser = show(sample, "#view=model")
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "[data-layer]")) == 6
    hover(browser, find(browser, '[data-layer="2"][data-head="0"]'))
    query, key = np.unravel_index(sample.at(2, 0).argmax(), (5, 5))
    assert says(browser) == f"Layer 2, head 0: strongest “{WORDS[query]}” → “{WORDS[key]}” {sample.at(2, 0).max():.3f}."
    find(browser, '[data-layer="2"][data-head="0"]').click()
    hover(browser, token(browser, "key", 1))
    assert table(browser) == [[f"{i} {word}", f"{sample.at(2, 0)[i, 1]:.3f}"] for i, word in enumerate(WORDS)]
    find(browser, '[data-layer="2"][data-head="0"]').click()
    assert fragment(browser)["open"] == "no"
    browser.run("document.getElementById('choice').open = true")
    find(browser, '#rows input[value="1"]').click()
    find(browser, '#columns input[value="1"]').click()
    found = browser.driver.find_elements(By.CSS_SELECTOR, "[data-layer]")
    assert [(one.get_attribute("data-layer"), one.get_attribute("data-head")) for one in found] == [("2", "0"), ("2", "2")]


@pytest.mark.parametrize("causal, window", [(False, 0), (True, 0), (True, 2), (False, 2)])
def test_neuron_view_computes_the_attention(show, causal, window):
    sample = Sample(WORDS, causal=causal, window=window)
    browser = show(sample, "#view=neuron&layer=1&head=1")
    for query in range(len(WORDS)):
        hover(browser, token(browser, "query", query))
        rows = table(browser)
        dots = np.array([float("-inf") if row[1] == "masked" else float(row[1].replace("−", "-")) for row in rows])
        powers = np.exp(dots - dots.max())
        assert np.allclose(powers / powers.sum(), [float(row[2]) for row in rows], atol=5e-3)  # of dots with three digits
        assert np.allclose([float(row[2]) for row in rows], sample.at(1, 1)[query], atol=1e-3)
        assert [row[3] for row in rows] == [f"{weight:.4f}" for weight in sample.at(1, 1)[query]]
        hidden = [(causal and key > query) or 0 < window <= abs(key - query) for key in range(len(WORDS))]
        assert [row[1] == "masked" for row in rows] == hidden
    find(browser, "#vectors").click()
    assert fragment(browser)["vectors"] == "no"
    assert len(lines(svg(browser))) > 0


def test_neuron_views_elements_go_by_keyboard(show):
    browser = show(Sample(WORDS), "#view=neuron&layer=1&head=1&token=2")
    token(browser, "query", 2).send_keys(Keys.ARROW_RIGHT)
    for element in (0, 1):
        ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
        values = browser.run("const [{ shown }] = inSight(), at = { layer: 1, head: 1, token: 2 };"
                             "return ['query', 'key'].map((side) => vectorOf(shown, side, at)[arguments[0]])", element)
        found = re.search(r"Element (\d+): (\S+) × (\S+) = (\S+)\.$", says(browser).replace("−", "-"))
        assert int(found[1]) == element
        assert [float(found[2]), float(found[3])] == pytest.approx(values, rel=5e-3)
        assert float(found[4]) == pytest.approx(values[0] * values[1], rel=5e-3)


def test_neuron_view_says_why_there_is_none(show):
    browser = show(Sample(WORDS, vectors=False))
    find(browser, "#tab-neuron").click()
    assert "no query and key vectors" in find(browser, "#reason").text
    assert not find(browser, "#scroller").is_displayed()


def test_heatmap_tells_a_cells_weight(show):
    sample = Sample(WORDS)
    browser = show(sample, "#view=heatmap&layer=2&head=1&map=head")
    row, column = token(browser, "query", 1), token(browser, "key", 3)
    cell = row.rect["width"] / 2 + row.rect["height"] * 3.5
    ActionChains(browser.driver).move_to_element_with_offset(row, cell, 0).perform()
    assert says(browser) == f"Layer 2, head 1. “bank” (1) → “its” (3): {sample.at(2, 1)[1, 3]:.4f}."
    assert find(browser, "#tip").text.replace("\u2068", "").replace("\u2069", "") == f"“bank” → “its”: {sample.at(2, 1)[1, 3]:.4f}"
    hover(browser, column)
    assert [row[1] for row in table(browser)] == [f"{weight:.4f}" for weight in sample.at(2, 1)[:, 3]]


def test_pictures_are_saved(show):
    sample = Sample(HOSTILE, shown_heads=[0, 1], token=1)
    for view in ("head", "neuron", "heatmap"):
        browser = show(sample, f"#view={view}&layer=2&token=1")
        drawing = xml.fromstring(saved(browser, "save-svg", f"attnviz-{view}-layer2.svg"))
        texts = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")}
        assert {"<!--", "]]>", "a&b\"'", "שלום", "‹U+202E›abc", "␉", "␛[31m"} <= texts
        png = saved(browser, "save-png", f"attnviz-{view}-layer2.png")
        size = struct.unpack(">II", png[16:24])
        assert png[:8] == b"\x89PNG\r\n\x1a\n" and size == tuple(2 * round(float(drawing.get(side))) for side in ("width", "height"))
    browser = show(sample, "#view=model")
    assert len(lines(xml.fromstring(saved(browser, "save-svg", "attnviz-model.svg")))) > 9


def test_numbers_are_saved_as_they_are(show):
    sample = Sample(HOSTILE, shown_heads=[0, 2])
    rows = list(csv.DictReader(io.StringIO(saved(show(sample), "save-csv", "attnviz-head-layer2.csv").decode(), newline="")))
    assert len(rows) == 2 * len(HOSTILE) ** 2
    for row in rows:
        head, query, key = int(row["head"]), int(row["query"]), int(row["key"])
        assert row["layer"] == "2" and float(row["weight"]) == pytest.approx(sample.at(2, head)[query, key], abs=1e-8)
    assert rows[0]["query_token"] == MARKUP


def test_tokens_are_text(show):
    browser = show(Sample(HOSTILE))
    for view in ("model", "neuron", "heatmap", "head"):
        find(browser, "#tab-" + view).click()
        settled(browser)
    assert browser.run("return document.images.length") == 0
    assert token(browser, "query", 0).get_attribute("textContent") == MARKUP
    assert token(browser, "query", 3).get_attribute("textContent") == "‹U+202E›abc"
    hover(browser, token(browser, "query", 0))
    assert MARKUP in says(browser) and table(browser)[0][0] == "0 " + MARKUP


def test_the_page_may_fetch_nothing(show):
    browser = show(Sample(WORDS))
    refused = browser.driver.execute_async_script(
        "const done = arguments[0]; document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true });"
        "fetch('http://127.0.0.1:9/').catch(() => {})")
    assert refused == "connect-src"
    assert browser.messages()  # about the refusal


def test_theme_follows_the_system_until_it_is_chosen(show):
    browser = show(Sample(WORDS))
    theme = lambda: browser.run("return document.documentElement.dataset.theme")
    try:
        browser.prefer_colors("dark")
        WebDriverWait(browser.driver, 10, 0.02).until(lambda _: theme() == "dark")
        choose(browser, "theme", "light")
        assert theme() == "light"
    finally:
        browser.prefer_colors("light")


def test_long_texts_open(show):
    sample = Sample([f"t{i}" for i in range(512)], layers=1, heads=2, vectors=False)
    browser = show(sample)
    hover(browser, token(browser, "query", 3))
    assert "Query “t3” (3)" in says(browser)


def test_narrow_windows_scroll_the_drawing_alone(tmp_path):
    with Browser(size=(390, 800)) as browser:
        browser.open(Sample(WORDS * 3, heads=12).write(tmp_path / "page.html"))
        for view in ("model", "neuron", "heatmap", "head"):
            find(browser, "#tab-" + view).click()
            settled(browser)
            find(browser, "#save summary").click()
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), view
            assert browser.run("return document.querySelector('#save > div').getBoundingClientRect().left >= 0")
        assert browser.messages() == []


class Serve(BaseHTTPRequestHandler):
    """Answers as attnviz serve does; `go` holds a view's answer back until the test has seen what the page says meanwhile."""

    page, questions, go = b"", [], threading.Event()

    def answer(self, content, status=200, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

    def do_GET(self):
        if self.path == "/models":
            self.answer([{"name": "pairs", "layers": 2, "heads": 3, "pairs": True, "vectors": True},
                         {"name": "single", "layers": 2, "heads": 3, "pairs": False, "vectors": True}])
        else:
            self.answer(self.page, kind="text/html; charset=utf-8")

    def do_POST(self):
        self.questions.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.go.wait(20)
        if self.questions[-1][1]["text"] == "fault":
            self.answer({"error": MARKUP, "hint": "try another"}, 400)
        else:
            self.answer(Sample(WORDS).record)

    def log_message(self, *_):
        pass


def test_served_page_asks_its_server(tmp_path):
    subprocess.run([BUILD / "page_files", tmp_path / "page.html"], input=b"", check=True)
    Serve.page = (tmp_path / "page.html").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Browser(online=True) as browser:
        until = lambda condition: WebDriverWait(browser.driver, 20, 0.02).until(lambda _: condition())
        browser.open(f"http://127.0.0.1:{server.server_port}/")
        until(lambda: find(browser, "#submit").is_enabled())
        assert [option.text for option in Select(find(browser, "#model")).options] == ["pairs", "single"]
        assert not find(browser, "#main").is_displayed()
        find(browser, "#text").send_keys("one")
        find(browser, "#pair").send_keys("two")
        find(browser, "#submit").click()
        assert find(browser, "#answer").text == "The model reads the text …" and not find(browser, "#submit").is_enabled()
        Serve.go.set()
        until(lambda: find(browser, "#main").is_displayed())
        assert Serve.questions == [("/view", {"model": "pairs", "text": "one", "pair": "two"})]
        hover(browser, token(browser, "query", 1))
        assert "Query “bank” (1)" in says(browser)
        choose(browser, "model", "single")
        assert not find(browser, "#pair").is_displayed()
        assert browser.messages() == []
        find(browser, "#text").clear()
        find(browser, "#text").send_keys("fault", Keys.ENTER)
        until(lambda: find(browser, "#answer").text == MARKUP + " (try another)")
        assert Serve.questions[-1] == ("/view", {"model": "single", "text": "fault"})
        server.shutdown()
        server.server_close()
        find(browser, "#submit").click()
        until(lambda: "does not answer" in find(browser, "#answer").text)
