"""The home folder and its certificate authority."""

from __future__ import annotations

import json
import os
import re
import ssl
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from phift.emulator.host.home import Home
from phift.emulator.host.tls import Authority
from phift.errors import EmulatorError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_is_private_and_ignores_itself(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    home = Home(tmp_path / ".phift")
    home.identity()
    assert mode(home.path) == 0o700
    assert mode(home.path / "identity.json") == 0o600
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert told.stdout == ""


def test_identity_stays_and_hides_its_secrets(tmp_path: Path) -> None:
    first = Home(tmp_path / "h").identity()
    assert Home(tmp_path / "h").identity() == first
    assert first.client_secret not in repr(first)
    assert first.signing_key not in repr(first)


def test_the_secret_is_the_homes_own_and_stays(tmp_path: Path) -> None:
    first = Home(tmp_path / "h").identity()
    assert re.fullmatch("[0-9a-f]{32}", first.proxy_secret)
    assert first.proxy_secret not in repr(first)
    assert Home(tmp_path / "other").identity().proxy_secret != first.proxy_secret


def test_a_home_of_an_earlier_release_gets_a_secret_and_keeps_the_rest(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    first = home.identity()
    path = home.path / "identity.json"
    body = json.loads(path.read_text())
    del body["proxy_secret"]
    path.write_text(json.dumps(body))
    second = home.identity()
    assert second.proxy_secret != first.proxy_secret
    assert replace(second, proxy_secret=first.proxy_secret) == first
    assert Home(tmp_path / "h").identity() == second
    assert mode(path) == 0o600


def test_opening_a_home_takes_it_away_from_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    home.path.chmod(0o777)
    Home(tmp_path / "h")
    assert mode(home.path) == 0o700


def test_a_folder_that_all_users_share_is_no_home(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(EmulatorError, match="is a shared directory"):
        Home(shared)
    assert mode(shared) == 0o1777


def test_make_private_reaches_all_that_is_ours_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    home.identity()
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    deep = home.path / "blobs" / "aa"
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    (home.path / "store.sqlite3-wal").write_text("x")
    (home.path / "notes").write_text("the user's own")
    (home.path / "blobs" / "elsewhere").symlink_to(other)
    for path in (deep, deep.parent):
        path.chmod(0o775)
    for path in (deep / "x", home.path / "store.sqlite3-wal", home.path / "identity.json", home.path / "notes"):
        path.chmod(0o664)
    other.chmod(0o755)
    assert home.make_private() == []
    assert (mode(deep), mode(deep.parent), mode(other)) == (0o700, 0o700, 0o755)
    assert [mode(p) for p in (deep / "x", home.path / "store.sqlite3-wal", home.path / "identity.json")] == [0o600] * 3
    assert mode(home.path / "notes") == 0o664


def test_locate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHIFT_HOME", raising=False)
    project = tmp_path / "project"
    (project / "configs" / "deep").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    assert Home.locate(project / "configs" / "deep") == project / ".phift"
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "elsewhere"))
    assert Home.locate(project) == tmp_path / "elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_one_claim_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    lock = home.claim()
    assert lock is not None
    assert Home(tmp_path / "h").claim() is None
    os.close(lock)
    again = home.claim()
    assert again is not None
    os.close(again)


def test_wipe_keeps_identity_and_certificates(tmp_path: Path) -> None:
    home = Home(tmp_path / "h")
    identity = home.identity()
    home.remember(port=1234)
    (home.path / "blobs" / "x").mkdir(parents=True)
    (home.path / "store.sqlite3").touch()
    home.wipe()
    assert not (home.path / "blobs").exists()
    assert not (home.path / "store.sqlite3").exists()
    assert home.identity() == identity
    assert home.settings() == {"port": 1234}


def test_the_authority_speaks_for_azure_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    assert {mode(path) for path in (tmp_path / "tls").iterdir()} == {0o600}
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls" / "ca.pem").read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert x509.DNSName("management.azure.com") in (constraints.value.permitted_subtrees or [])
    assert handshake(authority, "management.azure.com") == "management.azure.com"
    assert handshake(authority, "a.blob.core.windows.net") == "a.blob.core.windows.net"
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(authority, "example.org")


def test_the_authority_is_kept(tmp_path: Path) -> None:
    Authority(tmp_path / "tls")
    before = (tmp_path / "tls" / "ca.pem").read_bytes()
    Authority(tmp_path / "tls")
    assert (tmp_path / "tls" / "ca.pem").read_bytes() == before


def handshake(authority: Authority, host: str) -> str:
    """The name a verifying client accepts, over memory buffers."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.create_default_context(cafile=str(authority.bundle))
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = authority.context(host).wrap_bio(to_server, to_client, server_side=True)
    for _ in range(8):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
        if done == 2:
            break
    peer = client.getpeercert()
    assert peer is not None
    return str(peer["subjectAltName"][0][1])
