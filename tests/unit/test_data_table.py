"""Rows of text tasks: their columns are checked and kept, and asked of a deployment in the form of the task."""

import json
from pathlib import Path

import pytest

from phift.data.classes import class_problems
from phift.data.prepare import prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.data.stats import Meter
from phift.data.table import Table, messages_in, prompt_in
from phift.data.tokens import token_counter
from phift.errors import InvalidSpecError
from phift.kinds.job.tasks import TASKS, UNSUPPORTED
from phift.kinds.shared.answers import answer_of
from phift.kinds.shared.scoring import question, questions
from phift.spec import load
from phift.workbench.recipes import table_of

CLASSES = Table("text-classification", ("text",), "topic")
PAIRS = Table("text-classification", ("a", "b"), "same")
TEXTS = Table("text-generation", ("text",))
ANSWERED = Table("text-generation", ("text",), "summary")
SPEC = """\
version: 1
name: texts
base_model: azureml://registries/azureml/models/gpt2/labels/latest
data: {{train: {{path: rows.jsonl}}}}
compute: {{finetune: {{name: gpu, size: Standard_NC4as_T4_v3}}}}
finetune:
  component: azureml://registries/azureml/components/{component}/labels/latest
  parameters: {parameters}
"""


def recipe(folder: Path, table: Table, *rows: object) -> Recipe:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Recipe.of(identify({"path": "rows.jsonl"}, folder), table=table)


@pytest.mark.parametrize(
    ("table", "row", "code"),
    [
        (CLASSES, {"text": "Hi", "topic": "greeting", "more": 1}, ""),
        (CLASSES, {"text": "Hi", "topic": 0}, ""),
        (PAIRS, {"a": "x", "b": "", "same": "yes"}, ""),
        (TEXTS, {"text": "Once upon a time"}, ""),
        (CLASSES, {"topic": "a"}, "missing-key"),
        (CLASSES, {"text": "Hi"}, "missing-key"),
        (CLASSES, {"text": "Hi", "topic": True}, "type"),
        (CLASSES, {"text": "Hi", "topic": 0.5}, "type"),
        (CLASSES, {"text": "Hi", "topic": " "}, "empty-content"),
        (CLASSES, {"text": " ", "topic": "a"}, "empty-content"),
        (CLASSES, {"text": 3, "topic": "a"}, "type"),
        (ANSWERED, {"text": "x", "summary": ["y"]}, "type"),
        (TEXTS, {"text": "a\x00b"}, "control-character"),
        (TEXTS, ["text"], "type"),
    ],
)
def test_rows_are_checked_by_their_columns(table: Table, row: object, code: str) -> None:
    assert [problem.code for problem in table.problems_of(row)] == ([code] if code else [])


def test_prepared_rows_keep_the_names_and_the_order_of_the_columns(tmp_path: Path) -> None:
    made = prepare(recipe(tmp_path, CLASSES, {"topic": 1, "x": 2, "text": "a\u2028b"}), tmp_path / "out.jsonl")
    assert made.path.read_text() == '{"text":"a\\u2028b","topic":1}\n'
    assert made.rows == 1


def test_bad_rows_are_reported_with_file_and_line(tmp_path: Path) -> None:
    bad = recipe(tmp_path, CLASSES, {"text": "x", "topic": "a"}, {"text": "y"})
    with pytest.raises(InvalidSpecError) as caught:
        prepare(bad, tmp_path / "out.jsonl")
    (found,) = caught.value.diagnostics
    assert found.mark is not None
    assert (found.code, found.mark.line) == ("data-missing-key", 2)


def test_a_table_is_part_of_the_identity_and_conversations_are_as_before(tmp_path: Path) -> None:
    texts = recipe(tmp_path, TEXTS, {"text": "x"})
    chat = Recipe.of(texts.identity)
    assert "table" not in chat.plain()
    assert len({texts.key, chat.key, recipe(tmp_path, ANSWERED, {"text": "x"}).key}) == 3


def test_statistics_of_a_table(tmp_path: Path) -> None:
    meter = Meter(token_counter("gpt2"))
    for text, topic in (("red?", "colour"), ("Oslo?", "capital"), ("red?", "colour")):
        meter.add(CLASSES.encoded({"text": text, "topic": topic}))
    found = meter.measures()
    assert (found.rows, found.duplicates, found.characters.max) == (3, 1, 12)
    row = {"a": "x", "b": "y", "same": 1}
    assert prompt_in(row) == "x\ny"
    assert messages_in(row)[2] == {"role": "same", "content": "1"}


@pytest.mark.parametrize(
    ("table", "row", "truth", "data"),
    [
        (CLASSES, {"text": "x", "topic": 1}, "1", {"columns": ["text"], "index": [0], "data": [["x"]]}),
        (PAIRS, {"a": "x", "b": "y", "same": "no"}, "no", {"columns": ["a", "b"], "index": [0], "data": [["x", "y"]]}),
        (TEXTS, {"text": "x"}, "", {"input_string": ["x"], "parameters": {}}),
        (ANSWERED, {"text": "x", "summary": "y"}, "y", {"input_string": ["x"], "parameters": {}}),
    ],
)
def test_a_row_is_asked_in_the_form_of_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Table, row: dict, truth: str, data: dict
) -> None:
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    (asked,) = questions(recipe(tmp_path, table, row), 1, {})
    assert (asked.truth, asked.body) == (truth, {"input_data": data, "params": {}})
    if len(table.texts) == 1:
        assert question("x", table, {}).body == asked.body


def test_answers_of_text_tasks_are_understood() -> None:
    assert answer_of(["colour"]) == answer_of({"output": ["colour"]}) == answer_of({"output": "colour"}) == "colour"


def test_classes(tmp_path: Path) -> None:
    files = {}
    for split, topics in {"train": "aab", "test": "ab", "validation": "acd"}.items():
        files[split] = tmp_path / split
        files[split].write_bytes(b"".join(CLASSES.encoded({"text": "x", "topic": topic}) for topic in topics))
    (found,) = class_problems(CLASSES, files)
    assert found.summary == "data.validation has 2 classes in `topic` that data.train does not have"
    files["train"].write_bytes(CLASSES.encoded({"text": "x", "topic": "a"}))
    assert ["one class" in d.summary for d in class_problems(CLASSES, files)] == [True]
    assert not list(class_problems(TEXTS, files))


@pytest.mark.parametrize(
    ("component", "parameters", "table"),
    [
        ("chat_completion_pipeline", "{}", None),
        ("text_generation_pipeline", "{text_key: text}", TEXTS),
        ("text_generation_pipeline", "{text_key: text, ground_truth_key: summary}", ANSWERED),
        ("text_classification_pipeline", "{sentence1_key: a, sentence2_key: b, label_key: same}", PAIRS),
    ],
)
def test_the_parameters_name_the_columns(tmp_path: Path, component: str, parameters: str, table: Table | None) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.format(component=component, parameters=parameters))
    assert table_of(load(tmp_path / "spec.yaml")) == table


def test_a_column_must_be_named(tmp_path: Path) -> None:
    text = SPEC.format(component="text_classification_pipeline", parameters="{sentence1_key: text}")
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(InvalidSpecError) as caught:
        table_of(load(tmp_path / "spec.yaml"))
    assert [(d.code, d.path) for d in caught.value.diagnostics] == [
        ("parameter-missing", "finetune.parameters.label_key")
    ]


@pytest.mark.parametrize("component", UNSUPPORTED)
def test_other_tasks_are_refused_by_name(tmp_path: Path, component: str) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.format(component=component, parameters="{}"))
    with pytest.raises(InvalidSpecError) as caught:
        load(tmp_path / "spec.yaml")
    assert "task-unsupported" in [d.code for d in caught.value.diagnostics]
    assert component not in TASKS
