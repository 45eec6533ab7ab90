"""Reads what a source file imports, without running it."""

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Import:
    """`module` as it is written (relative ones made absolute); `name` from a `from`-import, else "".

    `guarded`: inside a `try` that catches ImportError, so the file works without it.
    """

    path: Path
    line: int
    module: str
    name: str
    guarded: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        what = f"{self.module}.{self.name}" if self.name else self.module
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {what}"

    def reaches(self, package: str) -> bool:
        """Whether this is `package`, something in it, or (`from a import b`) the module `a.b` itself."""
        full = f"{self.module}.{self.name}"
        return any(at == package or at.startswith(package + ".") for at in (self.module, full))


def source_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports_of(path: Path, package: str) -> list[Import]:
    """`package`: the import package that the file is in, to resolve relative imports."""
    found: list[Import] = []
    _collect(ast.parse(path.read_text("utf-8"), str(path)), path, package, False, found)
    return found


def _collect(node: ast.AST, path: Path, package: str, guarded: bool, found: list[Import]) -> None:
    if isinstance(node, ast.Import):
        found += [Import(path, node.lineno, alias.name, "", guarded) for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*above, module]) if module else ".".join(above)
        found += [Import(path, node.lineno, module, alias.name, guarded) for alias in node.names]
    elif isinstance(node, ast.Try) and any(_catches_import_error(handler) for handler in node.handlers):
        for statement in node.body:
            _collect(statement, path, package, True, found)
        rest: list[ast.AST] = [*node.handlers, *node.orelse, *node.finalbody]
        for child in rest:
            _collect(child, path, package, guarded, found)
    else:
        for child in ast.iter_child_nodes(node):
            _collect(child, path, package, guarded, found)


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id == "ImportError" for kind in kinds)


def calls_of(path: Path) -> list[tuple[int, str]]:
    """Line and name of every call: `name(...)`, and `thing.name(...)` by its last name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                found.append((node.lineno, node.func.id))
            elif isinstance(node.func, ast.Attribute):
                found.append((node.lineno, node.func.attr))
    return found
