"""Who may read what: tokens, gated and private data, certificates, proxies, offline; and where nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub, authority
from hubcase import GOOD, OTHER, QUICK, TRAIN, clear, harmless, rows, said
from hubdata import CHAT, ultrachat

from phift.data.hub import (
    HubClient,
    HubError,
    HubRequest,
    Selection,
    read,
    resolve,
)
from phift.errors import InvalidSpecError, PhiftError

NO_TOKEN = "Check the name (owner/name). For a private data set, set HF_TOKEN."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs", tokens={GOOD: ["org/gated", "org/private"], OTHER: []}) as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": 30})
        ultrachat(hub, folder / "gated", id="org/gated", rows={"train_sft": 30}, shards=1, gated="auto")
        ultrachat(hub, folder / "private", id="org/private", rows={"train_sft": 30}, shards=1, private=True)
        yield hub


@pytest.fixture
def hub(shared: Hub) -> Hub:
    shared.clear()
    return shared


@pytest.mark.parametrize(
    ("id", "token", "kind", "words"),
    [
        ("org/nosuch", "", InvalidSpecError,
            f"hub: org/nosuch is not on HOST, or is private | {NO_TOKEN}"),
        ("org/private", "", InvalidSpecError,
            f"hub: org/private is not on HOST, or is private | {NO_TOKEN}"),
        ("org/private", OTHER, InvalidSpecError, "hub: org/private is not on HOST, or is private | "
            "Check the name (owner/name), and that the token of HF_TOKEN can read it."),
        ("org/gated", "", HubError,
            "org/gated is gated | Accept its terms at URL/datasets/org/gated, then set HF_TOKEN."),
        ("org/gated", OTHER, HubError,
            "org/gated is gated | Request access at URL/datasets/org/gated: the account of HF_TOKEN has none."),
        (CHAT, "hf_noSuchToken", HubError,
            "HOST rejects the token of HF_TOKEN | Renew it (`hf auth login`), or remove it: public data needs none."),
    ],
)  # fmt: skip
def test_what_this_account_may_not_read(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, id: str, token: str, kind: type[PhiftError], words: str
) -> None:
    """Gated data is refused here: its listing is open, so that without asking, apply would be the first to know."""
    monkeypatch.setenv("HF_TOKEN", token)
    with HubClient(hub.url) as client, pytest.raises(kind) as caught:
        resolve(HubRequest(id, split="train_sft"), client)
    assert said(caught.value) == words.replace("HOST", hub.url.removeprefix("http://")).replace("URL", hub.url)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("id", ["org/gated", "org/private"])
def test_a_token_opens(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, id: str) -> None:
    monkeypatch.setenv("HF_TOKEN", GOOD)
    with HubClient(hub.url) as client:
        made = resolve(HubRequest(id, split="train_sft"), client, count=True)
        assert len(list(read(made, Selection.all(), client, tmp_path))) == made.rows == 30
    assert made.gated is (id == "org/gated")
    assert {seen.token for seen in hub.requests("hub")} == {GOOD}
    assert {seen.token for seen in hub.requests("cdn")} == {""}


def test_where_the_token_comes_from(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def source() -> str:
        with HubClient(hub.url) as client:
            return client.token_source

    assert source() == ""
    file = tmp_path / "hf-home" / "token"
    file.parent.mkdir()
    file.write_text(f"{OTHER}\n")
    assert source() == str(file)
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", OTHER)
    assert source() == "HUGGING_FACE_HUB_TOKEN"
    monkeypatch.setenv("HF_TOKEN", OTHER)
    assert source() == "HF_TOKEN"
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    assert source() == ""


def test_a_token_that_cannot_be_one_is_not_shown(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret with spaces")
    with HubClient(hub.url) as client, pytest.raises(HubError, match="token of HF_TOKEN") as caught:
        resolve(TRAIN, client)
    assert "secret" not in str(caught.value)


def test_the_endpoint_is_read_when_a_client_is_made(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
    with HubClient() as client:
        assert client.endpoint == hub.url
        assert resolve(TRAIN, client).revision
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with HubClient(patience=QUICK) as client, pytest.raises(HubError, match=r"cannot reach http://127\.0\.0\.1:1 "):
        resolve(TRAIN, client)


def test_offline_asks_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with (
        HubClient(hub.url) as client,
        pytest.raises(HubError, match=f"HF_HUB_OFFLINE is set, and {CHAT} must be resolved"),
    ):
        resolve(TRAIN, client)
    assert hub.requests() == []


@pytest.mark.parametrize("value", ["ftp://127.0.0.1:1", "socks5://user:s3cret@127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used(hub: Hub, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    with HubClient(hub.url, patience=QUICK) as client, pytest.raises(HubError) as caught:
        resolve(TRAIN, client)
    assert caught.value.code in ("hub-proxy", "hub-unreachable")
    assert "s3cret" not in str(caught.value)


def test_certificates_of_the_organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE, as Azure's clients read it: httpx2 alone would not."""
    trusted, host = authority(tmp_path / "tls")
    with Hub(tmp_path / "blobs", certificate=host) as hub:
        ultrachat(hub, tmp_path / "chat", rows={"train_sft": 30})
        with HubClient(hub.url, patience=QUICK) as client, pytest.raises(HubError) as caught:
            resolve(TRAIN, client)
        address = hub.url.removeprefix("https://")
        remedy = "Behind a TLS-inspecting proxy, set REQUESTS_CA_BUNDLE to its CA bundle."
        assert said(caught.value) == f"the TLS certificate of {address} is not trusted | {remedy}"
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(trusted))
            with HubClient(hub.url) as client:
                made = resolve(TRAIN, client, count=True)
                assert len(list(read(made, Selection.first(5), client, tmp_path / "scratch"))) == 5
            monkeypatch.delenv(name)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nosuch.pem"))
        with (
            HubClient(hub.url) as client,
            pytest.raises(HubError, match=r"cannot read the certificates in .*nosuch\.pem"),
        ):
            resolve(TRAIN, client)


@pytest.mark.parametrize("endpoint", ["https://[bad", "huggingface.co", "ftp://127.0.0.1", "http://a b", "http://"])
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with HubClient(endpoint, patience=QUICK) as client, pytest.raises(HubError) as caught:
        resolve(TRAIN, client)
    harmless(caught.value)
    assert caught.value.code in ("hub-endpoint", "hub-unreachable")


def test_proxies_of_the_environment(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:s3cret@127.0.0.1:1")
    with HubClient(hub.url, patience=QUICK) as client, pytest.raises(HubError) as caught:
        resolve(TRAIN, client)
    assert "cannot reach" in caught.value.summary
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HubClient(hub.url) as client:
        assert resolve(TRAIN, client).revision


@pytest.mark.parametrize("place", ["CDN/elsewhere/train.jsonl", "zip://x.csv::CDN/x.zip", "/etc/hosts", "s3://a/b.csv"])
def test_a_card_leads_to_no_other_host(hub: Hub, tmp_path: Path, place: str) -> None:
    place = place.replace("CDN", hub.cdn)
    with Hub(tmp_path / "blobs") as other:
        head = f"---\nconfigs:\n- config_name: default\n  data_files: {place}\n---\n"
        other.commit("org/elsewhere", {"README.md": head.encode(), "train.jsonl": b"{}\n"})
        with HubClient(other.url) as client, pytest.raises(HubError) as caught:
            resolve(HubRequest("org/elsewhere", split="train"), client)
    assert caught.value.code == "hub-other-host"
    assert hub.requests("cdn") == []


def test_a_token_goes_nowhere_else(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not where a file is, and not where the hub's API would send us."""
    monkeypatch.setenv("HF_TOKEN", GOOD)
    with HubClient(hub.url, patience=QUICK) as client:
        hub.fault("/revision/", status=302, headers={"Location": f"{hub.cdn}/anywhere"})
        with pytest.raises(PhiftError):
            resolve(TRAIN, client)
        assert len(rows(resolve(TRAIN, client), client, tmp_path)) == 30
    assert {seen.token for seen in hub.requests("cdn")} == {""}
    assert {seen.token for seen in hub.requests("hub")} == {GOOD}
