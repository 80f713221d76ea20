"""The program's pages and its server in a browser: what is on screen is what `attnviz extract` gives of the same text."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from architectures_parity import Case
from support.browser import Browser
from view_browser_test import choose, find, hover, says, settled, svg, table, token

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "attnviz"
ENVIRONMENT = {**os.environ, "ATTNVIZ_MODELS": str(ROOT / "models")}
TEXT = "The bank can refuse to lend money to the person by the river bank."


def attnviz(directory, *arguments):
    subprocess.run([PROGRAM, *arguments], cwd=directory, env=ENVIRONMENT, check=True, capture_output=True)


def extracted(directory, model):
    """[layers, heads, tokens, tokens]"""
    attnviz(directory, "extract", "--model", model, "--layers", "all", "-o", "numbers.npz", TEXT)
    return np.load(directory / "numbers.npz")["attention"]


def expect_on_screen(browser, attention, layer, head):
    """Of every query, in the neuron view's table: its softmax, and the weights beside it."""
    choose(browser, "layer", layer)
    choose(browser, "head", head)
    for query in range(attention.shape[-1]):
        hover(browser, token(browser, "query", query))
        rows = table(browser)
        expected = attention[layer - 1, head, query]
        assert np.abs(np.array([float(row[3]) for row in rows]) - expected).max() <= 6e-5  # four decimals
        assert np.abs(np.array([float(row[2]) for row in rows]) - expected).max() <= 1e-3


def gpt_neo(directory):
    """A random one that sees six tokens in its second layer, with gpt2-demo's tokenizer."""
    demo = ROOT / "models/gpt2-demo"
    words = json.loads((demo / "config.json").read_text())["vocab_size"]
    kinds = {"attention_types": [[["global", "local"], 1]], "window_size": 6}
    Case("gpt_neo", {"num_layers": 2, "num_heads": 4, "num_hidden_layers": 2, "vocab_size": words, **kinds}).save(directory)
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        shutil.copy(demo / name, directory)
    return directory


def test_a_page_masks_what_a_window_hides(tmp_path):
    model = gpt_neo(tmp_path / "neo")
    attention = extracted(tmp_path, model)
    assert (attention[1, :, 10, :5] == 0).all() and (attention[1, :, 10, 5:11] > 0).all()
    attnviz(tmp_path, "view", "neuron", "--model", model, "-o", "neuron.html", TEXT)
    with Browser() as browser:
        browser.open(tmp_path / "neuron.html")
        settled(browser)
        for layer in (1, 2):
            expect_on_screen(browser, attention, layer, 3)
        hover(browser, token(browser, "query", 10))
        rows = {}  # of vectors, by their left edge: queries, keys, products
        for box in svg(browser).iter("{http://www.w3.org/2000/svg}rect"):
            if box.get("stroke-width") == "0.75":
                rows.setdefault(float(box.get("x")), []).append(float(box.get("y")))
        _, keys, products = (rows[x] for x in sorted(rows))
        assert products == keys[5:11]
        assert browser.messages() == []


@pytest.mark.parametrize("model", ["minilm", "gpt2-demo"])
def test_pages_show_what_extract_gives(tmp_path, model):
    attention = extracted(tmp_path, model)
    for kind in ("head", "model", "neuron"):
        attnviz(tmp_path, "view", kind, "--model", model, "-o", f"{kind}.html", TEXT)
    with Browser() as browser:
        for kind in ("head", "model", "neuron"):
            browser.open(tmp_path / f"{kind}.html")
            settled(browser)
            assert find(browser, "[role=tab][aria-selected=true]").text.lower().startswith(kind)
        for layer, head in ((6, 0), (2, 5)):
            expect_on_screen(browser, attention, layer, head)
        assert browser.messages() == []


def test_the_server_shows_what_extract_gives(tmp_path):
    attention = extracted(tmp_path, "minilm")
    server = subprocess.Popen([PROGRAM, "serve", "--port", "0"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    try:
        address = re.match(r"http://\S+", server.stdout.readline())[0]
        with Browser(online=True) as browser:
            browser.open(address)
            until = lambda condition: WebDriverWait(browser.driver, 60, 0.02).until(lambda _: condition())
            until(lambda: find(browser, "#submit").is_enabled())
            Select(find(browser, "#model")).select_by_value("minilm")
            find(browser, "#text").send_keys(TEXT)
            find(browser, "#submit").click()
            until(lambda: find(browser, "#main").is_displayed())
            settled(browser)
            for tab in browser.driver.find_elements(By.CSS_SELECTOR, "[role=tab]"):
                tab.click()
                settled(browser)
                if tab.text.startswith("Neuron"):
                    expect_on_screen(browser, attention, 6, 0)
            hover(browser, token(browser, "query", 2))
            assert "“bank” (2)" in says(browser)
            assert browser.messages() == []
    finally:
        server.terminate()
        assert server.wait(timeout=30) == 0
