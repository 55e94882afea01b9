"""Literal secrets: what counts as one, and what is shown in its place."""

from __future__ import annotations

import base64
import random

import pytest

from phift.address import Address
from phift.concealing import concealed, concealed_line, concealed_words, is_concealed, is_secret, shown, shown_change
from phift.digest import digest_of
from phift.plan.action import Action, ChangeAction
from phift.plan.model import FieldChange, PlannedResource
from phift.state.desired import Desired
from phift.state.ownership import APPLIED, Claim, applied_digest, marks_of
from phift.state.source import Source

HUB = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
RANDOM = base64.b64encode(random.Random(3).randbytes(48)).decode()


@pytest.mark.parametrize(
    "name",
    [
        *("API_TOKEN", "TOKEN", "DB_PASSWORD", "password", "Passwd", "ADMIN_PWD", "CLIENT_SECRET", "clientSecret"),
        *("ACCESS_KEY", "APIKEY", "apiKey", "accountKey", "AZURE_STORAGE_KEY", "KEY", "SSH_PRIVATE_KEY", "credential"),
        *("AZURE_STORAGE_CONNECTION_STRING", "connectionString", "conn-str", "my.secret"),
    ],
)
def test_a_name_tells_a_secret(name: str) -> None:
    assert is_secret(name, "hunter2")


@pytest.mark.parametrize(
    "value",
    [
        *(HUB, JWT, RANDOM, "ghp_" + "a1B2c3" * 6, "github_pat_" + "a1B2c3" * 6, "sk-proj-" + "a1B2c3" * 4),
        *("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=YWJjZGVm;", "Server=x;Password=hunter2;"),
        *("https://x.blob.core.windows.net/a?sv=1&sig=abcdefghijklmnop%3D", "postgres://user:hunter2@host/db"),
        *("AKIAIOSFODNN7EXAMPLE", "xoxb-1234567890-abc", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
    ],
)
def test_a_shape_tells_a_secret(value: str) -> None:
    assert is_secret("SETTING", value)
    assert value not in concealed_words(f"a {value} b")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("MAX_TOKENS", "512"), ("PAD_TOKEN", "<pad>"), ("MASK_TOKEN", "[MASK]"), ("TOKENIZERS_PARALLELISM", "false")),
        *(("SSH_PUBLIC_KEY", "ssh-rsa AAAA"), ("monkey", "x"), ("KEY_VAULT", "kv"), ("cacheKeys", "a")),
        *(("API_TOKEN", ""), ("API_TOKEN", "true"), ("API_TOKEN", "${{keyvault:https://kv/secrets/a}}")),
        *(("commit", "0123456789abcdef" * 2 + "01234567"), ("digest", "sha256:" + "0123456789abcdef" * 4)),
        ("id", "123e4567-e89b-12d3-a456-426614174000"),
        ("model", "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/15"),
        ("data", "HuggingFaceH4/ultrachat_200k_Version2_TrainSftSplitLongName"),
        ("name", "Phi3MiniInstructUltrachatFineTune2024Experiment"),
        ("image", "mcr.microsoft.com/azureml/curated/foundation-model-inference:67"),
    ],
)
def test_ordinary_values_are_none(name: str, value: str) -> None:
    assert not is_secret(name, value)


def test_what_is_shown_tells_length_and_change_and_no_more() -> None:
    said = shown("A_TOKEN", "x" * 40)
    assert said == shown("A_TOKEN", "x" * 40)
    assert said.startswith("(secret, 40 characters, fingerprint ")
    assert is_concealed(said)
    assert len({shown("A_TOKEN", "x" * 39 + c) for c in "abcdefgh"}) > 1
    assert shown("B_TOKEN", "x" * 40) != said, "the same value under another name is not told to be the same"
    assert not is_secret("A_TOKEN", said)
    assert shown("A", "x").startswith("(secret, 1 character, ")


def test_only_what_holds_settings_is_looked_into() -> None:
    properties = {
        "environment_variables": {"LEVEL": "info", "A_TOKEN": "hunter2", "REF": {"secret": "env:A_TOKEN"}},
        "tags": {"deployKey": "hunter2", "team": "a"},
        "parameters": {"pad_token": "hunter2"},
        "azure": {"properties": [{"password": "hunter2"}]},
    }
    hidden = concealed(properties)
    assert hidden["environment_variables"]["LEVEL"] == "info"
    assert hidden["environment_variables"]["REF"] == {"secret": "env:A_TOKEN"}
    assert is_concealed(hidden["environment_variables"]["A_TOKEN"])
    assert is_concealed(hidden["tags"]["deployKey"])
    assert hidden["parameters"] == properties["parameters"]
    assert is_concealed(hidden["azure"]["properties"][0]["password"])
    assert concealed(hidden) is hidden
    plain = {"tags": {"team": "a"}, "environment_variables": {"LEVEL": "info"}}
    assert concealed(plain) is plain


def test_both_values_of_a_change_are_concealed_where_one_is_a_secret() -> None:
    before, after = shown_change("environment_variables.HUB", "none", HUB)
    assert is_concealed(before)
    assert is_concealed(after)
    assert shown_change("tags.team", "a", None) == ("a", None)
    assert is_concealed(shown_change("azure.properties.api_key", "plain-looking")[0]), "the last part names it"
    assert shown_change("azure.api_key.team", "plain-looking") == ("plain-looking",)
    assert shown_change("instance_type", HUB) == (HUB,)


def test_no_planned_resource_holds_one() -> None:
    resource = PlannedResource(
        Address("deployment", "main"),
        Action.UPDATE,
        "d",
        changes=(FieldChange("environment_variables.A_TOKEN", "new", "old", ChangeAction.UPDATE, applied="older"),),
        desired={"environment_variables": {"A_TOKEN": "new"}},
        details={"tags": {"A_KEY": "new"}},
    )
    assert "new" not in repr(resource)
    assert "old" not in repr(resource)


def test_the_digest_of_what_was_applied_is_that_of_the_values() -> None:
    """Objects of earlier releases carry it."""
    properties = {"environment_variables": {"A_TOKEN": "hunter2"}, "tags": {}}
    desired = Desired(Address("deployment", "main"), "d", properties)
    marks = marks_of(desired, stack="s", claim=Claim("", Source("", "x")), object_id="/id")
    assert marks[APPLIED] == applied_digest(properties) == digest_of(properties, 16)


@pytest.mark.parametrize(
    ("line", "starred"),
    [
        ("    A_TOKEN: hunter2  # a remark", "    A_TOKEN: *******  # a remark"),
        ('{LEVEL: info, A_KEY: "hunter2", B: 1}', '{LEVEL: info, A_KEY: "*******", B: 1}'),
        ("A_TOKEN: {secret: env:A_TOKEN}", "A_TOKEN: {secret: env:A_TOKEN}"),
        ('A_TOKEN: "{{ vars.a_token }}"', 'A_TOKEN: "{{ vars.a_token }}"'),
        ('{path: "https://h.org/a?code=1&b=2"}', '{path: "https://h.org/a?**********"}'),
        ("path: https://me@h.org/a@1", "path: https://**@h.org/a@1"),
        ("path: https://me:s/e@h.org/a", "path: https://******@h.org/a"),
        ("path: wasbs://c@a.org/a?sig=1", "path: wasbs://c@a.org/a?*****"),
        ('path: "https://h.org/{{ vars.a }}?{{ vars.b }}"', 'path: "https://h.org/{{ vars.a }}?{{ vars.b }}"'),
        (f"description: {HUB}", f"description: {'*' * len(HUB)}"),
    ],
)
def test_a_quoted_line_keeps_its_columns(line: str, starred: str) -> None:
    assert concealed_line(line) == starred
