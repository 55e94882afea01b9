"""Downloads from addresses that a spec names: what is reached, what is refused, and what is shown of it."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hubcase import FakeClock
from webserver import Answer, Proxy, WebServer, serving

from phift.data.addresses import WebFile, fetch_and_pin, storage_place
from phift.data.internet import is_public
from phift.data.remote import Folder, folder_of
from phift.data.web import Limits, WebError, download
from phift.errors import InvalidSpecError, StalePlanError

ROWS = b'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\n'


@dataclass
class Names:
    """The look-up of names of a test. asked: the hosts; answers: by host, the addresses of each look-up in turn."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def resolve(self, host: str, port: int, **options: Any) -> list[Any]:
        self.asked.append(host)
        turns = self.answers.get(host, [["127.0.0.1"]])
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with serving(tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture
def web(running: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HF_ENDPOINT", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.authority))
    running.answers.clear()
    running.seen.clear()
    return running


@pytest.fixture
def limits() -> Limits:
    """The server stands for one of the internet: 127.0.0.1 alone is allowed."""
    return Limits(clock=FakeClock(), resolve=Names().resolve, allowed=lambda address: address == "127.0.0.1")


def test_a_file_is_downloaded_whole(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    body = ROWS * 30_000
    for answer in (Answer(body), Answer(body, chunked=True)):
        web.answers["/train.jsonl"] = answer
        told: list[int] = []
        found = download(web.url("/train.jsonl"), Folder(tmp_path), "f", progress=told.append, limits=limits)
        assert (found.size, found.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (tmp_path / "f").read_bytes() == body
        assert told[-1] == len(body)
    host, path, headers = web.seen[0]
    assert (host, path) == (f"data.example.test:{web.port}", "/train.jsonl")
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "168.63.129.16", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1"),
        *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "::127.0.0.1", "no address"),
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
    ],
)
def test_what_is_not_on_the_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["20.60.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_on_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]"])
def test_loopback_is_refused_however_it_is_written(web: WebServer, tmp_path: Path, host: str) -> None:
    with pytest.raises((InvalidSpecError, WebError)) as caught:
        download(f"https://{host}:{web.port}/train.jsonl", Folder(tmp_path), "f", limits=Limits(clock=FakeClock()))
    assert "not on the internet" in str(caught.value) or "unknown host" in str(caught.value)
    assert web.seen == []


def test_one_inner_address_among_others_is_enough(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    names = Names({"data.example.test": [["127.0.0.1", "10.0.0.1"]]})
    with pytest.raises(InvalidSpecError, match=r"10\.0\.0\.1"):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=replace(limits, resolve=names.resolve))
    assert web.seen == []


def test_the_address_that_was_checked_is_the_one_connected_to(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    """A host whose second look-up would answer with an inner address."""
    web.answers["/train.jsonl"] = Answer(ROWS)
    names = Names({"data.example.test": [["127.0.0.1"], ["10.0.0.1"]]})
    download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=replace(limits, resolve=names.resolve))
    assert names.asked == ["data.example.test"]


def test_the_hub_of_the_user_may_be_anywhere(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web.answers["/train.jsonl"] = Answer(ROWS)
    monkeypatch.setenv("HF_ENDPOINT", f"https://localhost:{web.port}")
    assert download(web.url("/train.jsonl", "localhost"), Folder(tmp_path), "f").size == len(ROWS)
    monkeypatch.setenv("HF_ENDPOINT", f"https://localhost:{web.port + 1}")
    with pytest.raises(InvalidSpecError):
        download(web.url("/train.jsonl", "localhost"), Folder(tmp_path), "f")


def test_every_redirect_is_checked(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    signed = "?sig=SECRETSECRETSECRETSECRET"
    web.answers["/train.jsonl"] = Answer(
        status=302, headers={"Location": web.url("/there.jsonl", "inner.example.test") + signed}
    )
    web.answers["/there.jsonl"] = Answer(ROWS)
    assert download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits).size == len(ROWS)
    assert web.seen[-1][1] == f"/there.jsonl{signed}"
    names = Names({"inner.example.test": [["192.168.0.1"]]})
    with pytest.raises(InvalidSpecError) as caught:
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=replace(limits, resolve=names.resolve))
    assert "inner.example.test" in str(caught.value)
    assert "SECRET" not in str(caught.value.diagnostics)


@pytest.mark.parametrize(
    "location", ["http://data.example.test/a.jsonl?sig=SECRET", "ftp://data.example.test/a", "", "https://u:SECRET@h/a"]
)
def test_redirects_that_phift_does_not_follow(web: WebServer, limits: Limits, tmp_path: Path, location: str) -> None:
    web.answers["/train.jsonl"] = Answer(status=301, headers={"Location": location})
    with pytest.raises(WebError, match="redirects to") as caught:
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
    assert "SECRET" not in str(caught.value)
    assert len(web.seen) == 1


def test_five_redirects_and_no_more(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    for number in range(6):
        web.answers[f"/{number}.jsonl"] = Answer(status=307, headers={"Location": f"{number + 1}.jsonl"})
    web.answers["/6.jsonl"] = Answer(ROWS)
    assert download(web.url("/1.jsonl"), Folder(tmp_path), "f", limits=limits).size == len(ROWS)
    with pytest.raises(WebError, match="more than 5 times"):
        download(web.url("/0.jsonl"), Folder(tmp_path), "f", limits=limits)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_size_is_limited(web: WebServer, limits: Limits, tmp_path: Path, chunked: bool) -> None:
    web.answers["/train.jsonl"] = Answer(b"x" * 3_000_000, chunked=chunked)
    with pytest.raises(WebError, match="larger than 1 MiB"):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=replace(limits, size=1 << 20))
    assert list(tmp_path.iterdir()) == []


def test_the_time_is_limited(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    web.answers["/train.jsonl"] = Answer(ROWS)
    with pytest.raises(WebError, match="takes longer"):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=replace(limits, total=-1.0))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=403), "is not public"),
        (Answer(status=404), "not found: HTTP 404"),
        (Answer(status=206, body=ROWS), "returned HTTP 206"),
        (Answer(ROWS, headers={"Content-Type": "text/html; charset=utf-8"}), "is a web page"),
        (Answer(ROWS, headers={"Content-Encoding": "gzip"}), "compressed"),
        (Answer(ROWS, length=False), "did not send the length"),
    ],
)
def test_answers_that_hold_no_data(web: WebServer, limits: Limits, tmp_path: Path, answer: Answer, said: str) -> None:
    web.answers["/train.jsonl"] = answer
    with pytest.raises(WebError, match=said) as caught:
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
    assert caught.value.remedy
    assert len(web.seen) == 1


def test_an_empty_file_is_refused(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    web.answers["/train.jsonl"] = Answer(b"")
    with pytest.raises(InvalidSpecError, match="is empty"):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)


@pytest.mark.parametrize(
    "first",
    [Answer(status=503, headers={"Retry-After": "7"}), Answer(ROWS, cut=10), Answer(ROWS, cut=10, chunked=True)],
)
def test_what_passes_is_tried_again(web: WebServer, limits: Limits, tmp_path: Path, first: Answer) -> None:
    web.answers["/train.jsonl"] = [first, Answer(ROWS)]
    assert download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits).size == len(ROWS)
    assert len(web.seen) == 2
    web.answers["/train.jsonl"] = [first]
    with pytest.raises(WebError):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
    assert len(web.seen) == 2 + limits.attempts


def test_an_unknown_certificate_is_final(
    web: WebServer, limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(WebError, match="is not trusted"):
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
    assert web.seen == []


def test_a_proxy_is_asked_for_the_checked_address(
    web: WebServer, limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.answers["/train.jsonl"] = Answer(ROWS)
    with Proxy.running() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits).size == len(ROWS)
        assert proxy.asked == [f"127.0.0.1:{web.port}"]
        assert "Proxy-Authorization: Basic dXNlcjp3b3Jk" in proxy.headers[0]
        monkeypatch.setenv("NO_PROXY", "data.example.test")
        download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
        assert len(proxy.asked) == 1
        monkeypatch.delenv("NO_PROXY")
        proxy.refuses = True
        with pytest.raises(WebError, match="refused to connect") as caught:
            download(web.url("/train.jsonl"), Folder(tmp_path), "f", limits=limits)
        assert "word" not in str(caught.value)


def test_a_pin_is_downloaded_once_and_verified(web: WebServer, limits: Limits, tmp_path: Path) -> None:
    def limited(*arguments: Any, **options: Any) -> Any:
        return download(*arguments, **options, limits=limits)

    web.answers["/train.jsonl"] = Answer(ROWS)
    pinned = fetch_and_pin(web.url("/train.jsonl"), tmp_path, limited)
    assert pinned.pin() == {
        "requested": web.url("/train.jsonl"),
        "size": len(ROWS),
        "sha256": hashlib.sha256(ROWS).hexdigest(),
        "columns": ["messages"],
    }
    assert WebFile.from_plain(pinned.pin()) == pinned
    with folder_of(pinned, tmp_path) as folder:
        file = pinned.fetch(0, folder, lambda done: None)
        assert file.path.read_bytes() == ROWS
    assert len(web.seen) == 1
    assert not file.path.exists()
    with folder_of(pinned, tmp_path) as folder:
        pinned.fetch(0, folder, lambda done: None)
    assert len(web.seen) == 2
    web.answers["/train.jsonl"] = Answer(ROWS + ROWS)
    with folder_of(pinned, tmp_path) as folder, pytest.raises(StalePlanError, match="since it was pinned"):
        pinned.fetch(0, folder, lambda done: None)


@pytest.mark.parametrize(
    "damage", [{"sha256": "A" * 64}, {"size": 0}, {"size": "3"}, {"requested": None}, {"columns": [1]}]
)
def test_a_damaged_pin_is_refused(damage: dict[str, Any]) -> None:
    pin = {"requested": "https://example.org/a.jsonl", "size": 1, "sha256": "a" * 64, **damage}
    with pytest.raises(InvalidSpecError, match="invalid pin of an address"):
        WebFile.from_plain(pin)


def test_the_same_bytes_are_the_same_source_from_wherever() -> None:
    web = WebFile("https://example.org/a.csv", 1, "a" * 64)
    assert web.plain() == {"kind": "file", "files": [{"format": "csv", "sha256": "a" * 64}]}


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://acct1.blob.core.windows.net/c/a/b%20c.jsonl", ("acct1", "c", "a/b c.jsonl")),
        ("https://ACCT1.dfs.core.windows.net/c/a.jsonl", ("acct1", "c", "a.jsonl")),
        ("wasbs://c@acct1.blob.core.windows.net/a.jsonl", ("acct1", "c", "a.jsonl")),
        ("abfss://fs@acct1.dfs.core.windows.net/a.jsonl", ("acct1", "fs", "a.jsonl")),
        ("https://acct1.blob.core.windows.net/c", None),
        ("https://acct1.blob.core.windows.net.example.org/c/a.jsonl", None),
        ("https://example.org/a.jsonl", None),
        ("https://acct1.blob.core.windows.net/c/%2e%2e/other/a.jsonl", None),
        ("wasbs://c@acct1.blob.core.windows.net/a/../../other/a.jsonl", None),
        ("abfss://fs@acct1.dfs.core.windows.net/./a.jsonl", None),
    ],
)
def test_the_blob_that_an_address_means(address: str, place: tuple[str, str, str] | None) -> None:
    found = storage_place(address)
    assert (None if found is None else (found.account, found.container, found.path)) == place
