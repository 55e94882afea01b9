"""Tokens: who gets one, and what each is good for."""

from __future__ import annotations

import base64
import json

import pytest

from phift.emulator.core.tokens import TokenError, Tokens
from tests.emulator.client import Azure

LOGIN = "https://login.microsoftonline.com"
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"


def test_the_audience_follows_the_scope(azure: Azure) -> None:
    payload = azure.token("https://ml.azure.com").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims["aud"] == "https://ml.azure.com"
    assert claims["tid"] == azure.connection.tenant_id


@pytest.mark.parametrize(
    ("change", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_id": "11111111-1111-1111-1111-111111111111"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "openid"}, 400, 70011),
    ],
)
def test_what_gets_no_token(azure: Azure, change: dict[str, str], status: int, number: int) -> None:
    good = {
        "client_id": azure.connection.client_id,
        "client_secret": azure.connection.client_secret,
        "grant_type": "client_credentials",
        "scope": "https://management.azure.com/.default",
    }
    answer = azure.session.post(f"{LOGIN}/{azure.connection.tenant_id}/oauth2/v2.0/token", data={**good, **change})
    assert (answer.status_code, answer.json()["error_codes"]) == (status, [number])
    assert azure.connection.client_secret not in answer.text


def test_a_foreign_tenant_is_not_found(azure: Azure) -> None:
    answer = azure.session.post(f"{LOGIN}/another/oauth2/v2.0/token", data={"grant_type": "client_credentials"})
    assert answer.json()["error_codes"] == [90002]


@pytest.mark.parametrize("bearer", [None, "Bearer nonsense", "Bearer a.b.c", "Basic eA=="])
def test_no_token_no_answer(azure: Azure, bearer: str | None) -> None:
    headers = {"Authorization": bearer} if bearer else {}
    answer = azure.session.get(f"https://management.azure.com{azure.workspace}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_for_storage_does_not_open_the_resource_manager(azure: Azure) -> None:
    headers = {"Authorization": f"Bearer {azure.token('https://storage.azure.com')}"}
    answer = azure.session.get(f"https://management.azure.com{azure.workspace}", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")


def test_managed_identity_probe_and_token(azure: Azure) -> None:
    query = {"api-version": "2018-02-01", "resource": "https://management.azure.com"}
    assert azure.session.get(IMDS, params=query).status_code == 400
    answer = azure.session.get(IMDS, params=query, headers={"Metadata": "true"})
    assert isinstance(answer.json()["expires_in"], str)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    workspace = f"https://management.azure.com{azure.workspace}?api-version=2024-10-01"
    assert azure.session.get(workspace, headers=bearer).status_code == 200
    assert azure.session.get("http://169.254.169.254/metadata/instance/compute").status_code == 404


def test_tokens_expire_and_cannot_be_forged() -> None:
    tokens = Tokens(b"k" * 32, "tenant")
    with pytest.raises(TokenError, match="expired"):
        tokens.verify(tokens.mint("https://x", "me", seconds=-1))
    head, payload, signature = tokens.mint("https://x", "me").split(".")
    forged = base64.urlsafe_b64encode(b'{"aud":"https://y","exp":9999999999}').rstrip(b"=").decode()
    with pytest.raises(TokenError, match="not issued here"):
        tokens.verify(f"{head}.{forged}.{signature}")
    with pytest.raises(TokenError, match="not issued here"):
        Tokens(b"other" * 8, "tenant").verify(f"{head}.{payload}.{signature}")
