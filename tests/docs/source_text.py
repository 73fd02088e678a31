"""Reads the product's source for the sentences people see: each with an ellipsis where the code puts a value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from include import errors

ROOT = Path(__file__).resolve().parents[2]
ELLIPSIS = "…"

LOCAL_ONLY = ("salesforce_emulator", "demo", "local_stack")
"""Packages that no installation runs: their messages are for developers."""

OWN_ERRORS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.AppointmentSyncError)
} | {"RequestNotSentError"}


def product_modules() -> list[Path]:
    modules = sorted((ROOT / "include").rglob("*.py"))
    return [path for path in modules if path.relative_to(ROOT).parts[1] not in LOCAL_ONLY]


def one_line(text: str) -> str:
    return " ".join(text.split())


def template(node: ast.expr) -> str:
    """Return the text an expression makes, with an ellipsis for every value."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left) + template(right)
    return ELLIPSIS


def every_text() -> str:
    """Return all texts of the product, joined by newlines."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in product_modules())
    nodes = (node for tree in trees for node in ast.walk(tree))
    return "\n".join(
        one_line(template(node))
        for node in nodes
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp)
    )


def raised_sentences() -> dict[str, str]:
    """Return each sentence that an error is raised with, and the module it stands in."""
    found: dict[str, str] = {}
    for path in product_modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in functions:
            for sentence in _raised_in(function):
                found[sentence] = str(path.relative_to(ROOT))
    return found


def _raised_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    named: dict[str, ast.expr] = {}
    nodes = [node for node in ast.walk(function) if hasattr(node, "lineno")]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = node.value
        if _is_error(node) and node.args:
            message = node.args[0]
            if isinstance(message, ast.Name):
                message = named.get(message.id, message)
            sentence = one_line(template(message))
            if sentence.strip(f"{ELLIPSIS} ."):
                yield sentence


def _is_error(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OWN_ERRORS
