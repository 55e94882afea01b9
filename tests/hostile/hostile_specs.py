"""Specs that are too much: templates, YAML, matrix and targets."""

from __future__ import annotations

from hostile import SPEC, Files, Hostile, spec

__all__ = ["SPECS"]


def variables(lines: list[str], use: str = "") -> Files:
    made = "".join(f"  {line}\n" for line in lines)
    return spec(f"vars:\n{made}" + (f"description: {use}\n" if use else ""))


def expression(text: str) -> Files:
    return spec(f'description: "{{{{ {text} }}}}"\n')


DOUBLING = ["v0: [1, 1]", *(f'v{n}: "{{{{ [vars.v{n - 1}, vars.v{n - 1}] }}}}"' for n in range(1, 21))]
CHAIN = ["v0: 1", *(f'v{n}: "{{{{ vars.v{n - 1} }}}}"' for n in range(1, 3000))]
CHAIN_2 = ["v0: 1", *(f'v{n}: "{{{{ vars.v{n - 1} + 1 }}}}"' for n in range(1, 3000))]
WIDE = "matrix:\n" + "".join(f"  {a}: [{', '.join(map(str, range(21)))}]\n" for a in "xyz")
LOL = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10 if n else ['x'] * 10)}]\n" for n in range(12))

SPECS: tuple[Hostile, ...] = (
    # templates
    Hostile("round(-100000000)", expression("1 | round(-100000000)"), "round", ("template",)),
    Hostile("round(1, 'x')", expression("1 | round(1, 'x')"), "round", ("template",)),
    Hostile("1e400", spec('vars: {x: "{{ 1e400 }}"}\ndescription: "{{ vars.x }}"\n'), "finite", ("template",)),
    Hostile("20 variables that double a list", variables(DOUBLING, '"{{ vars.v20 }}"'), "", ("template",)),
    Hostile("3,000 chained variables", variables(CHAIN, '"{{ vars.v2999 }}"'), "", ("template",)),
    Hostile("3,000 chained expressions", variables(CHAIN_2, '"{{ vars.v2999 }}"'), "", ("template",)),
    Hostile("20,000 times {%", spec(f'description: "{"{%" * 20_000}"\n'), "statements", ("template",)),
    Hostile("20,000 times {{", spec(f'description: "{"{{" * 20_000}"\n'), "", ("template",)),
    Hostile("20,000 times ${{", spec(f'description: "{"${{" * 20_000}"\n'), "", ("template",)),
    Hostile("20,000 times ${{keyvault:", spec(f'description: "{"${{keyvault:" * 20_000}"\n'), "", ("template",)),
    Hostile("keyvault and 100,000 spaces", spec(f'tags: {{a: "${{{{keyvault:{" " * 100_000}"}}\n'), "", ("template",)),
    Hostile(
        "a secret and 100,000 spaces",
        spec(f'tags: {{a: "${{{{ keyvault:{" " * 100_000}x }}}}"}}\n'),
        "",
        ("secret",),
    ),
    Hostile(
        "20,000 secrets in one text",
        spec(f'tags: {{a: "{"${{keyvault:a" * 20_000}}}}}"}}\n'),
        "",
        ("secret",),
    ),
    Hostile("5,000 nested parentheses", expression("(" * 5000 + "1" + ")" * 5000), "", ("template",)),
    Hostile("5,000 times not", expression("not " * 5000 + "1"), "", ("template",)),
    Hostile("5,000 times minus", expression("-" * 5000 + "1"), "", ("template",)),
    Hostile("20,000 terms", expression("+".join(["1"] * 20_000)), "", ("template",)),
    Hostile("5,000 filters", expression("1" + "|int" * 5000), "", ("template",)),
    Hostile("5,000 conditions", expression("1 if 0 else " * 5000 + "1"), "", ("template",)),
    Hostile("2 ** 2 ** 100", expression("2 ** 2 ** 100"), "powers", ("template",)),
    Hostile("'a' * 10**9", expression("'a' * 1000000000"), "numbers only", ("template",)),
    Hostile("'%999999999d' % 1", expression("'%999999999d' % 1"), "numbers only", ("template",)),
    Hostile("number of 5,000 digits", expression("9" * 5000), "", ("template",)),
    Hostile("'9...' | int", expression(f"'{'9' * 5000}' | int"), "", ("template",)),
    Hostile("1e308 * 10", expression("1e308 * 10"), "finite", ("template",)),
    Hostile("'nan' | float", expression("'nan' | float"), "finite", ("template",)),
    Hostile(
        "a text used 20,000 times in one scalar",
        spec(f'vars: {{a: "{"x" * 60_000}"}}\ndescription: "{"{{ vars.a }}" * 20_000}"\n'),
        "",
        ("template",),
    ),
    Hostile(
        "a text joined 5,000 times with ~",
        spec(f'vars: {{a: "{"x" * 60_000}"}}\ndescription: "{{{{ {"~".join(["vars.a"] * 5000)} }}}}"\n'),
        "",
        ("template",),
    ),
    Hostile(
        "a list of 5,000 lists as text",
        spec(
            f"vars:\n  a: [{', '.join(['abcdefgh'] * 5000)}]\n"
            f'  b: "{{{{ [{", ".join(["vars.a"] * 5000)}] }}}}"\ndescription: "{{{{ vars.b | string }}}}"\n'
        ),
        "",
        ("template",),
    ),
    Hostile(
        "a list used by 5,000 values",
        spec(
            f"vars:\n  a: [{', '.join(['abcdefgh'] * 5000)}]\nfinetune:\n  azure:\n".replace(
                "finetune:\n", "endpoint:\n"
            )
            + "".join(f'    k{n}: "{{{{ vars.a }}}}"\n' for n in range(5000))
        ),
        "",
        ("template",),
    ),
    Hostile(
        "20,000 different expressions",
        spec("endpoint:\n  azure:\n" + "".join(f'    k{n}: "{{{{ {n} + 1 }}}}"\n' for n in range(20_000))),
        "",
        ("template",),
    ),
    Hostile(
        "replace that grows", expression(f"'{'a' * 200}' | replace('a', '{'b' * 20_000}')"), "longer", ("template",)
    ),
    Hostile("half a surrogate pair", spec('description: "\\ud800"\n'), "", ("yaml-syntax",)),
    # YAML
    Hostile("[ x 60,000", {"spec.yaml": "[" * 60_000}, "nested", ("yaml-depth",)),
    Hostile("{a: x 60,000", {"spec.yaml": "{a: " * 60_000}, "nested", ("yaml-depth",)),
    Hostile("- x 60,000", {"spec.yaml": "- " * 60_000}, "nested", ("yaml-depth",)),
    Hostile(
        "a mapping 700 deep", {"spec.yaml": "".join(f"{' ' * n}a:\n" for n in range(700))}, "nested", ("yaml-depth",)
    ),
    Hostile("a billion laughs", {"spec.yaml": LOL}, "values", ("yaml-size",)),
    Hostile("an anchor in itself", spec("vars: &x {a: *x}\n"), "nested", ("yaml-depth",)),
    Hostile(
        "60,000 anchors",
        {"spec.yaml": SPEC + "vars: [" + ", ".join(f"&a{n} 1" for n in range(60_000)) + "]\n"},
        "",
        ("wrong-type",),
    ),
    Hostile("one key 10,000 times", {"spec.yaml": SPEC + "tags: {a: b}\n" * 10_000}, "more", ("yaml-duplicate-key",)),
    Hostile("10,000 unknown keys", spec("".join(f"key{n}: 1\n" for n in range(10_000))), "more", ("unknown-key",)),
    Hostile("25,000 unknown keys", spec("".join(f"key{n}: 1\n" for n in range(25_000))), "more", ("unknown-key",)),
    Hostile("a key of 900,000 characters", spec(f"{'k' * 900_000}: 1\n"), "", ("yaml-syntax",)),
    Hostile("a quoted key of 1,000 characters", spec(f'"{"k" * 1000}": 1\n'), "", ("unknown-key",)),
    Hostile(
        "a name of 900,000 characters",
        {"spec.yaml": SPEC.replace("base\n", "b" * 900_000 + "\n", 1)},
        "",
        ("invalid-value",),
    ),
    Hostile("hexadecimal number of 20,000 digits", spec(f"vars: {{x: 0x{'f' * 20_000}}}\n"), "", ("yaml-scalar",)),
    Hostile("octal number of 20,000 digits", spec(f"vars: {{x: 0o{'7' * 20_000}}}\n"), "", ("yaml-scalar",)),
    Hostile("number of 500,000 digits", spec(f"vars: {{x: {'9' * 500_000}}}\n"), "", ("yaml-scalar",)),
    Hostile("1e400 in a variable", spec("vars: {x: 1e400}\n"), "finite", ("invalid-value",)),
    Hostile(".nan in a variable", spec("vars: {x: [.nan]}\n"), "finite", ("invalid-value",)),
    Hostile(".inf in a matrix", spec("matrix: {x: [.inf, 1]}\n"), "finite", ("matrix",)),
    Hostile(
        "take: 0.000...1%",
        {"spec.yaml": SPEC.replace("train.jsonl}", f"train.jsonl, take: 0.{'0' * 6000}1%}}")},
        "",
        ("invalid-value",),
    ),
    Hostile(
        "take: 1.000...%",
        {"spec.yaml": SPEC.replace("train.jsonl}", f"train.jsonl, take: 1.{'0' * 6000}%}}")},
        "",
        ("invalid-value",),
    ),
    Hostile(
        "a regular expression of 900 parentheses",
        spec(f"tests: {{a: {{expect: {{regex: '{'(' * 900}{')' * 900}'}}}}}}\n"),
        "",
        ("invalid-value",),
    ),
    Hostile("a{99999999999}", spec("tests: {a: {expect: {regex: 'a{99999999999}'}}}\n"), "", ("invalid-value",)),
    Hostile(
        "a regular expression of 400,000 alternatives",
        spec(f"tests: {{a: {{expect: {{regex: '{'a|' * 400_000}'}}}}}}\n"),
        "800000 ",
        ("invalid-value",),
    ),
    Hostile(
        "a text of 60,000 characters aliased 90,000 times",
        spec(f'vars: {{a: &a "{"x" * 60_000}", b: [{", ".join(["*a"] * 90_000)}]}}\n'),
        "aliases",
        ("yaml-size",),
    ),
    Hostile(
        "merges of merges",
        spec("".join(f"x-{n}: &m{n} {{<<: *m{n - 1}, a{n}: *m{n - 1}}}\n" for n in range(1, 40)).replace("*m0", "{}")),
        "100000 values",
        ("yaml-size",),
    ),
    Hostile(
        "a mapping merged 90,000 times",
        spec(f"x-a: &a {{k: v}}\nvars: {{<<: [{', '.join(['*a'] * 90_000)}]}}\n"),
        "100000 values",
        ("yaml-size",),
    ),
    Hostile("20,000 documents", {"spec.yaml": "---\na: 1\n" * 20_000}, "second YAML document", ("yaml-documents",)),
    Hostile("NUL bytes", {"spec.yaml": b"version: 1\nname: a\x00b\n"}, "not YAML", ("yaml-syntax",)),
    Hostile("UTF-16", {"spec.yaml": SPEC.encode("utf-16")}, "UTF-8", ("yaml-encoding",)),
    Hostile("UTF-32", {"spec.yaml": SPEC.encode("utf-32")}, "UTF-8", ("yaml-encoding",)),
    Hostile("Latin-1", {"spec.yaml": SPEC.encode() + b"description: \xe9\n"}, "UTF-8", ("yaml-encoding",)),
    Hostile("a byte order mark alone", {"spec.yaml": b"\xef\xbb\xbf"}, "empty", ("yaml-empty",)),
    Hostile("2 MB", spec(f"description: {'x' * 2_000_000}\n"), "1 MB", ("file-size",)),
    Hostile("a line of 990,000 characters", spec(f"description: 'x{'x ' * 495_000}\n"), "", ("yaml-syntax",)),
    # matrix and targets
    Hostile("a matrix of 9,261", spec(WIDE), "9261", ("max-stacks",)),
    Hostile(
        "a matrix of 50 variables",
        spec("matrix:\n" + "".join(f"  v{n}: [1, 2]\n" for n in range(50))),
        "",
        ("max-stacks",),
    ),
    Hostile(
        "an axis of 40,000 values",
        spec(f"matrix: {{x: [{', '.join(map(str, range(40_000)))}]}}\n"),
        "40000",
        ("max-stacks",),
    ),
    Hostile(
        "3,000 targets",
        spec("targets:\n  local: {default: true}\n" + "".join(f"  t{n}: {{}}\n" for n in range(3000))),
        "3001",
        ("max-stacks",),
    ),
    Hostile(
        "1,900 targets and 10,000 tags",
        spec(
            "tags:\n"
            + "".join(f"  t{n}: x\n" for n in range(10_000))
            + "targets:\n  local: {default: true}\n"
            + "".join(f"  t{n}: {{protect: true}}\n" for n in range(1900))
        ),
        "",
        ("max-stacks",),
    ),
)
