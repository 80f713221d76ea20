"""`attnviz serve` as a process: right numbers for many at once, and every refusal; it outlives all of them."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import torch

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
SENTENCES = (TOP / "tests/data/sentences.txt").read_text(encoding="utf8").splitlines()
ENVIRONMENT = {**os.environ, "ATTNVIZ_MODELS": str(TOP / "models")}
NOT_HERE = "Origin: another site's page, which may not ask this server"


class Server:
    def __init__(self, *flags, host="127.0.0.1", env=ENVIRONMENT):
        self.process = subprocess.Popen([PROGRAM, "serve", "--port", "0", *flags], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env, text=True)
        self.url = self.process.stdout.readline().strip()
        self.host, self.port = host, urllib.parse.urlparse(self.url).port
        assert self.port, self.process.stderr.read()

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=120)

    def ask(self, method, path, body=None, headers=None, connection=None):
        connection = connection or self.connect()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def view(self, wish, **headers):
        body = wish if isinstance(wish, bytes) else json.dumps(wish).encode()
        given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        status, _, content = self.ask("POST", "/view", body, given)
        return status, json.loads(content)

    def raw(self, data):
        """What it answers to bytes, until it closes."""
        with socket.create_connection((self.host, self.port), timeout=120) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            return rest_of(connection)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


def rest_of(connection):
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            received += piece
    return received


@contextlib.contextmanager
def serving(*flags, **options):
    server = Server(*flags, **options)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="module")
def server():
    """The one that takes all the abuse: at the end it still answers, and stops when it is told to."""
    with serving("--threads", "2") as started:
        yield started
        assert started.view({"model": "minilm", "text": "Still here."})[0] == 200
        assert started.stop() == (0, "", "")


def numbers_of(record):
    figure = record["figure"]
    assert figure["packing"] == "uint16"
    tokens = len(figure["tokens"])
    shape = len(figure["layers"]), len(figure["heads"]), tokens
    weights = numpy.frombuffer(base64.b64decode(figure["weights"]), "<u2").reshape(*shape, tokens) / 65535
    vectors = []
    for name in ("query", "key"):
        packed = numpy.frombuffer(base64.b64decode(figure[name]["numbers"]), "<i2").reshape(*shape, -1)
        scales = numpy.frombuffer(base64.b64decode(figure[name]["scales"]), "<f4").reshape(*shape[:2], 1, 1)
        vectors.append((packed / 32767 * scales, scales))
    return weights, vectors


def extracted(path, model, text, pair=None):
    command = [PROGRAM, "extract", "--with-qk", "--threads", "2", "--model", model, "-o", path, text]
    subprocess.run(command + (["--pair", pair] if pair else []), env=ENVIRONMENT, check=True, capture_output=True)
    with numpy.load(path) as file:
        return {name: file[name] for name in ("attention", "query", "key")}


def test_twenty_at_once_get_the_numbers_of_extract(server, tmp_path):
    wishes = [{"model": "minilm" if i % 2 else "gpt2-demo", "text": text} for i, text in enumerate(SENTENCES[:20])]
    assert len({wish["text"] for wish in wishes}) == 20
    wishes[1]["pair"] = "It was late."
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(server.view, wishes))
    for i, (wish, (status, record)) in enumerate(zip(wishes, answers)):
        assert status == 200, record
        assert record["texts"][0]["text"] == record["figure"]["subtitle"].split("  |  ")[0] == wish["text"]
        weights, vectors = numbers_of(record)
        expected = extracted(tmp_path / f"{i}.npz", **wish)
        assert numpy.abs(weights - expected["attention"]).max() < 2e-5
        for (vector, scales), name in zip(vectors, ("query", "key")):
            assert (numpy.abs(vector - expected[name]) <= scales / 32767 * 0.51 + 1e-4).all()


def test_a_page_of_what_was_served_is_checked_as_it_was_run(tmp_path):
    with serving("--truncate") as server:
        status, record = server.view({"model": "gpt2-demo", "text": 60 * "The bank can refuse to lend money. "})
    assert status == 200 and "--truncate" in record["arguments"]
    command = [PROGRAM, "view", "head", "--model", "gpt2-demo", "-o", tmp_path / "page.html", "Another text."]
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    page = (tmp_path / "page.html").read_text(encoding="utf8")
    begin = page.index('<script type="application/json" id="attnviz">')
    own = json.dumps(record).replace("<", "\\u003c")
    page = page[:page.index(">", begin) + 1] + own + page[page.index("</script>", begin):]
    (tmp_path / "page.html").write_text(page, encoding="utf8")
    done = subprocess.run([PROGRAM, "check", tmp_path / "page.html"], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.stdout == "check: 1 figure: 1 same\n", done.stdout + done.stderr


class Changing(torch.nn.Module):
    """A text's weights depend on what it has kept of the texts before, or of the ids that it was given."""

    def __init__(self, way):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.register_buffer("seen", torch.zeros(1))
        self.way = way

    def forward(self, input_ids, attention_mask):
        if self.way == "a buffer":
            self.seen.add_(1)
        elif self.way == "a weight":
            self.weight.detach().mul_(2)
        else:
            input_ids.add_(1)
        scores = (input_ids * (self.weight + self.seen)).softmax(-1)
        return (scores[:, None, None].expand(-1, 2, input_ids.size(1), -1),)


def make_changing(directory, way):
    directory.mkdir()
    (directory / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bank", "can"]))
    ids = torch.ones(1, 5, dtype=torch.long)
    torch.jit.trace(Changing(way), (ids.clone(), ids), check_trace=False).save(directory / "model.pt")


@pytest.mark.parametrize("flags", [(), ("--trust-model",)])
def test_what_a_model_writes_in_place_reaches_no_later_request(tmp_path, flags):
    (tmp_path / "minilm").symlink_to(TOP / "models/minilm")
    ways = {"changes-a-buffer": "a buffer", "changes-a-weight": "a weight", "changes-its-ids": "its ids"}
    for name, way in ways.items():
        make_changing(tmp_path / name, way)
    expected = extracted(tmp_path / "expected.npz", "minilm", "the bank can")["attention"]
    ids_alone = []
    with serving("--threads", "2", *flags, env={**os.environ, "ATTNVIZ_MODELS": str(tmp_path)}) as started:
        for _ in range(3):
            for name, way in ways.items():
                status, answer = started.view({"model": name, "text": "the bank can"})
                if way == "its ids":
                    assert status == 200, answer
                    ids_alone.append(answer["figure"]["weights"])
                else:
                    assert status == 400 and "model.pt: writes to its own weights when it runs" in answer["error"], answer
                status, record = started.view({"model": "minilm", "text": "the bank can"})
                assert status == 200 and numpy.abs(numbers_of(record)[0] - expected).max() < 2e-5, record
        assert len(set(ids_alone)) == 1
        assert started.stop() == (0, "", "")


def test_a_view_says_what_it_holds(server):
    status, record = server.view({"model": "minilm", "text": "The bank.", "pair": "It was late."})
    assert status == 200
    assert record["program"].startswith("attnviz ")
    assert record["arguments"] == ["view", "head", "--layers", "auto", "--model", "minilm", "--with-qk"]
    assert record["texts"][0]["tokens"] == ["[CLS]", "the", "bank", ".", "[SEP]", "it", "was", "late", ".", "[SEP]"]
    figure = record["figure"]
    assert {name: figure[name] for name in ("kind", "view", "title", "subtitle", "layer", "second_from", "causal")} == {
        "kind": "view", "view": "head", "title": "minilm", "subtitle": "The bank.  |  It was late.", "layer": 6,
        "second_from": 5, "causal": False}
    assert figure["layers"] == list(range(1, 7)) and figure["heads"] == figure["shown_heads"] == list(range(12))


def test_texts_are_taken_as_they_are(server):
    for text in ("-", "\0", "\x1b[2J \u202e", "</script><b>", "\U0001f600 naïve", "\\\"'", "--help"):
        for model in ("minilm", "gpt2-demo"):
            status, record = server.view({"model": model, "text": text})
            assert (status, record.get("texts", [{}])[0].get("text")) in ((200, text), (400, None)), (text, record)


def test_the_page_and_the_models_are_served_with_safe_headers(server):
    status, headers, page = server.ask("GET", "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html") and page.startswith(b"<!")
    status, more, content = server.ask("GET", "/models?x=1")
    assert status == 200
    assert json.loads(content) == [
        {"name": "gpt2-demo", "layers": 6, "heads": 12, "pairs": False, "vectors": True},
        {"name": "minilm", "layers": 6, "heads": 12, "pairs": True, "vectors": True}]
    refusal = server.ask("GET", "/nothing")[1]
    for kind in (headers, more, refusal):
        assert kind["X-Content-Type-Options"] == "nosniff"
        assert kind["Cache-Control"] == "no-store"
        assert kind["Referrer-Policy"] == "no-referrer"
        assert kind["X-Frame-Options"] == "DENY"
        assert kind["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert "Access-Control-Allow-Origin" not in kind


def test_bad_wishes_are_told_as_on_the_command_line(server):
    minilm = {"model": "minilm"}
    for wish, error, hint in (
            ({**minilm, "text": ""}, "text: empty, expected a text", ""),
            ({**minilm, "text": "a", "pair": ""}, "pair: empty, expected a text", ""),
            ({**minilm, "text": " "}, "text: no token in it, expected words", ""),
            ({**minilm, "text": "word " * 700}, "text: 702 tokens, minilm takes at most 512",
             "--truncate cuts the text to what fits; render, grid, layers and extract read all of it with --window max"),
            ({"model": "gpt2-demo", "text": "a", "pair": "b"}, "--pair: gpt2-demo takes one text", ""),
            ({"model": "minlm", "text": "a"}, "minlm: no such model in *", "did you mean minilm? *"),
            ({"model": str(TOP / "models/minilm"), "text": "a"}, "model /*: not a name that attnviz models lists", ""),
            ({"model": "../models/minilm", "text": "a"},
             "model ../models/minilm: not a name that attnviz models lists", ""),
            ({"model": "minilm\0", "text": "a"}, "model minilm␀: not a name that attnviz models lists", ""),
            (minilm, "text: missing, expected a string", ""),
            ({"text": "a"}, "model: missing, expected a string", ""),
            ({**minilm, "text": 7}, "text: expected a string", ""),
            ({**minilm, "text": None}, "text: expected a string", ""),
            ({**minilm, "text": "a", "pairs": "b"}, "body: pairs: expected model, text or pair", "did you mean pair?"),
            ([], "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b"", "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b'{"model": "minilm", "text"', "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b"[" * 60_000, "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b'{"x":' * 12_000, "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b'{"model": "minilm", "text": "\\ud800"}', "body: not a JSON object", '{"model": "minilm", "text": "…"}'),
            (b'{"model": "minilm", "text": "\xe4"}', "body: not UTF-8 at byte 29", "")):
        status, told = server.view(wish)
        assert status == 400, told
        for expected, got in ((error, told["error"]), (hint, told["hint"])):
            begin, star, end = expected.partition("*")
            assert got == expected or (star and got.startswith(begin) and got.endswith(end)), (wish, told)


def test_other_sites_are_refused(server):
    good, own = {"model": "minilm", "text": "a"}, f"127.0.0.1:{server.port}"
    for headers in ({"Origin": f"http://{own}"}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"},
                    {"Host": f"localhost:{server.port}"}, {"Host": f"LOCALHOST:{server.port}"},
                    {"Host": f"[::1]:{server.port}"}, {"Content_Type": "Application/JSON ; charset=utf-8"}):
        assert server.view(good, **headers)[0] == 200, headers
    for headers in ({"Origin": "https://example.org"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1"},
                    {"Origin": f"https://{own}"}, {"Origin": f"http://localhost:{server.port}"},
                    {"Origin": f"http://{own}.example.org"}, {"Sec_Fetch_Site": "cross-site"},
                    {"Sec_Fetch_Site": "same-site"}):
        assert server.view(good, **headers) == (403, {"error": NOT_HERE, "hint": f"open http://{own}/"}), headers
    for host in ("example.org", f"example.org:{server.port}", "127.0.0.1", "localhost", "localhost:1", "",
                 f"127.0.0.1:{server.port}.example.org", f"127.0.0.2:{server.port}", f"x@{own}"):
        expected = {"error": f"Host: not an address of this server, expected {own}", "hint": f"open http://{own}/"}
        assert server.view(good, Host=host) == (403, expected), host
        assert server.ask("GET", "/", headers={"Host": host})[0] == 403, host
    two = f"GET / HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\n\r\n".encode()
    assert server.raw(two).startswith(b"HTTP/1.1 403 ")
    assert server.raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 403 ")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"):
        assert server.view(good, Content_Type=kind) == (
            415, {"error": "Content-Type: expected application/json", "hint": ""}), kind


def test_there_is_nothing_but_three_routes(server):
    missing = {"error": "path: nothing is there", "hint": "the page is at /"}
    for path in ("/index.html", "/../../../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/models/", "/models/minilm",
                 "/view/", "/%2e%2e/", "/\\..\\", "/models\0", "http://127.0.0.1/", "*", "/" + "a" * 4000):
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode()
        answer = server.raw(request)
        status, body = int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]
        assert status == 404 and json.loads(body) == missing or (status == 400 and "\0" in path), (path, answer)
    for method, path, allowed in (("POST", "/", "GET"), ("PUT", "/view", "POST"), ("GET", "/view", "POST"),
                                  ("DELETE", "/models", "GET"), ("OPTIONS", "/view", "POST"), ("TRACE", "/", "GET"),
                                  ("BREW", "/", "GET")):
        status, headers, content = server.ask(method, path)
        assert (status, headers["Allow"]) == (405, allowed), method
        assert json.loads(content) == {"error": f"{path}: expected {allowed}", "hint": ""}


def test_what_is_too_large_is_refused(server):
    json_type = {"Content-Type": "application/json"}
    told = {"error": "body: longer than 64 KiB", "hint": "take a shorter text"}
    assert server.view({"model": "minilm", "text": "x" * (1 << 19)}) == (413, told)
    status, _, content = server.ask("POST", "/view", iter([b"x" * 5000] * 20), json_type)  # chunked
    assert (status, json.loads(content)) == (413, told)
    own = f"Host: 127.0.0.1:{server.port}\r\n"
    for size in ("1" * 19, "99999999"):
        answer = server.raw(f"POST /view HTTP/1.1\r\n{own}Content-Length: {size}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 413 "), answer
    answer = server.raw(f"POST /view HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\n1;{'x' * 500_000}".encode())
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    for request in (f"GET / HTTP/1.1\r\n{own}X: {'x' * 9000}\r\n\r\n", f"GET /{'a' * 9000} HTTP/1.1\r\n{own}\r\n",
                    f"GET / HTTP/1.1\r\n{own}" + "X: x\r\n" * 3000):
        answer = server.raw(request.encode())
        assert answer.startswith(b"HTTP/1.1 431 "), answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "header: longer than 8 KiB", "hint": ""}


def test_what_is_not_http_is_refused_and_garbage_does_no_harm(server):
    for request in (b"\r\n\r\nhello\r\n\r\n", b"GET / HTTP/9.1\r\n\r\n", b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST /view HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                    b"POST /view HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        answer = server.raw(request)
        assert answer.startswith(b"HTTP/1.1 400 "), (request, answer)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"].startswith("request: not HTTP: ")

    def garbage(number):
        choose = random.Random(number)
        request = bytearray(f"POST /view HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
                            'Content-Length: 33\r\n\r\n{"model": "minilm", "text": "cat"}'.encode())
        for _ in range(choose.randrange(1, 8)):
            request[choose.randrange(len(request))] = choose.randrange(256)
        request = bytes(request[:choose.randrange(len(request))] if number % 3 == 0 else request)
        answer = server.raw(choose.randbytes(choose.randrange(3000)) if number % 5 == 0 else request)
        assert not answer or answer.startswith(b"HTTP/1.1 "), (request, answer)

    def sentence(number):
        return server.view({"model": "minilm", "text": SENTENCES[number % len(SENTENCES)]})[0]

    with ThreadPoolExecutor(24) as pool:
        spoilt, good = pool.map(garbage, range(300)), pool.map(sentence, range(12))
        assert list(good) == [200] * 12
        list(spoilt)


def test_a_connection_is_kept_and_may_ask_ahead(server):
    connection = server.connect()
    for _ in range(3):
        status, headers, _ = server.ask("GET", "/models", connection=connection)
        assert status == 200 and headers["Connection"] != "close"
    connection.close()
    own = f"Host: 127.0.0.1:{server.port}\r\n"
    both = server.raw(f"GET /models HTTP/1.1\r\n{own}\r\nGET /x HTTP/1.1\r\n{own}Connection: close\r\n\r\n".encode())
    assert both.startswith(b"HTTP/1.1 200 ") and both.count(b"HTTP/1.1 404 ") == 1
    asked = (f"POST /view HTTP/1.1\r\n{own}Content-Type: application/json\r\nContent-Length: 2\r\n"
             "Expect: 100-continue\r\nConnection: close\r\n\r\n{}")
    assert server.raw(asked.encode()).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")
    assert b"Connection: close" in server.raw(f"GET / HTTP/1.0\r\n{own}\r\n".encode())


def test_more_connections_than_it_takes_wait_until_one_ends(server):
    idle = [socket.create_connection((server.host, server.port), timeout=120) for _ in range(64)]
    for connection in idle:  # each is accepted once it answers
        connection.sendall(f"GET /models HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        assert connection.recv(1) == b"H"
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(server.ask, "GET", "/models") for _ in range(30)]
        for connection in idle:
            connection.close()
        assert {answer.result()[0] for answer in waiting} == {200}


def test_slow_clients_are_cut():
    with serving("--read-timeout", "0.2") as server:
        head = f"POST /view HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        for begun in (b"G", head.encode(), (head + "Content-Length: 9\r\n\r\n{").encode()):
            with socket.create_connection((server.host, server.port), timeout=120) as connection:
                connection.sendall(begun)
                assert rest_of(connection) == b""
        assert server.ask("GET", "/")[0] == 200


def test_it_is_stopped_by_signals_after_what_it_is_at():
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving() as server:
            idle = socket.create_connection((server.host, server.port), timeout=120)
            kept = server.connect()
            assert server.ask("GET", "/", connection=kept)[0] == 200
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(server.view, {"model": "minilm", "text": "The cat sat."})
                assert server.stop(number) == (0, "", "")
                with contextlib.suppress(ConnectionError, http.client.HTTPException):
                    assert asked.result()[0] == 200  # or it came too late
            assert rest_of(idle) == b""
            with pytest.raises(OSError):
                socket.create_connection((server.host, server.port), timeout=120)


def test_a_place_that_cannot_be_had_is_told():
    with serving() as server:
        for flags, errors in (
                (["--port", str(server.port)], f"127.0.0.1:{server.port}: another program listens there\n"
                                               "  hint: --port 0 takes a port that is free\n"),
                (["--port", "65536"], "--port 65536: expected a whole number from 0 to 65535\n"),
                (["--host", "example"], "example: not an address to listen at\n  hint: 127.0.0.1 is for this machine "
                                        "alone, 0.0.0.0 for all that can reach it\n"),
                (["--host", "192.0.2.1", "--port", "0"], "192.0.2.1:0: Cannot assign requested address\n"),
                (["--read-timeout", "0"], "--read-timeout 0: expected seconds, more than 0 and up to 3600\n")):
            done = subprocess.run([PROGRAM, "serve", *flags], capture_output=True, text=True, env=ENVIRONMENT)
            assert (done.returncode, done.stdout, done.stderr) == (2, "", "attnviz: " + errors)


def test_only_on_request_others_can_reach_it():
    with serving("--host", "0.0.0.0") as server:
        assert server.url == f"http://0.0.0.0:{server.port}/"
        for host in ("0.0.0.0", "127.0.0.1", "localhost"):
            assert server.ask("GET", "/models", headers={"Host": f"{host}:{server.port}"})[0] == 200
        assert server.ask("GET", "/models", headers={"Host": f"example.org:{server.port}"})[0] == 403
        status, _, errors = server.stop()
        assert status == 0
        assert errors == ("attnviz: note: 0.0.0.0: whoever can reach this address can have texts run, without a "
                          "password\n")
    with serving() as server, pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", server.port), timeout=120)


def test_a_text_that_is_too_long_is_cut_where_that_is_asked_for():
    with serving("--truncate") as server:
        status, record = server.view({"model": "minilm", "text": "word " * 700})
        assert status == 200
        assert record["figure"]["notes"] == ["cut to 512 of 702 tokens",
                                             "layer 6 of 6: all would take more than 10 MB (--layers names others)"]
        assert record["figure"]["layers"] == [6]


def test_clients_that_do_not_read_delay_nobody_and_not_the_end():
    """More of them than it has workers; their answers are more than a connection's buffers hold."""
    with serving() as server:
        body = json.dumps({"model": "minilm", "text": "word " * 300}).encode()
        ask = (f"POST /view HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        deaf = []
        for _ in range(8):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((server.host, server.port))
            connection.sendall(ask)
            assert connection.recv(1) == b"H"  # its answer is under way
            deaf.append(connection)
        assert server.view({"model": "minilm", "text": "The cat sat."})[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=40) == 0  # a client has 60 s to take its answer
        for connection in deaf:
            connection.close()
