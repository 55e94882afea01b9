"""Findings in the formats of other tools: escaped, and valid for those who read them."""

import json
from pathlib import Path

import jsonschema
import pytest

from phift.cli.run import run
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import AzureError, InvalidSpecError, RefusedError, UsageError
from phift.views.failed import failed
from phift.views.findings import of_diagnostics, of_error
from phift.views.github import annotated
from phift.views.sarif import log

ROOT = Path(__file__).parents[2]

ERROR = Diagnostic("wrong: 100%", detail="One,\ntwo.", mark=Mark("a b/s,p:c.yaml", 3, 5), path="name", code="needs")
WARNING = Diagnostic("doubtful", Severity.WARNING, remedy="Look.", address="job.finetune", code="no-list-known")

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    # what the schema of SARIF 2.1.0 requires of the members that are used here
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "additionalProperties": False,
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "exitCode": {"type": "integer"},
                            },
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "minProperties": 1,
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "uri": {"type": "string", "pattern": r"^[^\s\\]+$"},
                                                            "uriBaseId": {"type": "string"},
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        },
                                                    },
                                                },
                                            },
                                            "logicalLocations": {
                                                "type": "array",
                                                "items": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"fullyQualifiedName": {"type": "string"}},
                                                },
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_annotations_are_escaped() -> None:
    assert annotated(of_diagnostics([ERROR, WARNING])).splitlines() == [
        "::error file=a b/s%2Cp%3Ac.yaml,line=3,col=5,title=needs::wrong: 100%25%0AOne,%0Atwo.",
        "::warning title=no-list-known::job.finetune: doubtful%0ALook.",
    ]


def test_text_of_a_file_cannot_give_a_command_of_its_own() -> None:
    forged = Diagnostic("x\n::set-output name=a::b", mark=Mark("s\n::error::.yaml", 1), code="needs")
    assert len(annotated(of_diagnostics([forged])).splitlines()) == 1


@pytest.mark.parametrize("found", [(), (ERROR, WARNING, ERROR), (Diagnostic("x", mark=Mark("/a/b"), code="no-such"),)])
def test_sarif_is_valid(found: tuple[Diagnostic, ...]) -> None:
    document = json.loads(log(of_diagnostics(found), 1))
    jsonschema.validate(document, SARIF)
    results, rules = document["runs"][0]["results"], document["runs"][0]["tool"]["driver"]["rules"]
    assert len(results) == len(set(found))
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)


def test_sarif_places() -> None:
    first, second = json.loads(log(of_diagnostics([ERROR, WARNING]), 4))["runs"][0]["results"]
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%20b/s%2Cp%3Ac.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 5},
            },
            "logicalLocations": [{"fullyQualifiedName": "name"}],
        }
    ]
    assert (second["level"], second["locations"]) == (
        "warning",
        [{"logicalLocations": [{"fullyQualifiedName": "job.finetune"}]}],
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSpecError([ERROR]), 1),
        (RefusedError([ERROR, WARNING]), 4),
        (UsageError("no", remedy="Yes."), 1),
        (AzureError("denied", status=403, code="AuthorizationFailed"), 1),
        (ValueError("a bug"), 1),
    ],
)
def test_a_failure_is_a_document_in_every_format(error: Exception, code: int) -> None:
    document = json.loads(failed(error, "json"))
    assert (document["format_version"], document["error"]["exit_code"]) == ("1.0", code)
    jsonschema.validate(json.loads(failed(error, "sarif")), SARIF)
    assert json.loads(failed(error, "sarif"))["runs"][0]["invocations"][0]["exitCode"] == code
    assert all(line.startswith(("::error ", "::warning ")) for line in failed(error, "github").splitlines())
    assert failed(error, "text") == failed(error, "md") == ""
    assert {one.rule for one in of_error(error)} <= {
        "needs",
        "no-list-known",
        "UsageError",
        "AuthorizationFailed",
        "ValueError",
    }


COMMANDS = {
    "plan": ("plan", "SPEC"),
    "drift": ("drift", "SPEC"),
    "status": ("status", "SPEC"),
    "lock": ("lock", "SPEC"),
    "render": ("render", "SPEC"),
    "history": ("history", "SPEC"),
    "metrics": ("metrics", "SPEC"),
    "show": ("show", "SPEC"),
    "data inspect": ("data", "inspect", "SPEC"),
    "explain": ("explain", "no-such-code"),
    "an unknown option": ("plan", "SPEC", "--no-such-option"),
    "a missing file": ("plan", "missing.yaml"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_bad_spec_is_answered_by_a_document(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("version: 1\nname: x1\nfinetunes: {}\n")
    code = run([*(str(spec) if word == "SPEC" else word for word in words), "--format", "json"])
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert code == document["error"]["exit_code"] == 1
    assert said.err.startswith(("error", "  ", "warning"))
    if document["error"]["kind"] == "InvalidSpecError":
        assert all(d["code"] and d["severity"] for d in document["error"]["diagnostics"])
