"""What CONTRIBUTING.md promises of the tree itself."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"lsamatting": ROOT / "src" / "lsamatting", "reproduce": ROOT / "reproduce"}


def module_name(file: Path, package: str) -> str:
    parts = file.relative_to(PACKAGES[package]).with_suffix("").parts
    return ".".join((package, *parts)).removesuffix(".__init__")


MODULES = {
    module_name(file, package): file
    for package, folder in PACKAGES.items()
    for file in sorted(folder.rglob("*.py"))
}
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def own_test(module: str) -> Path:
    """`tests/a/test_b.py` of `lsamatting.a.b`."""
    *folders, name = module.removeprefix("lsamatting.").split(".")
    return ROOT.joinpath("tests", *folders, f"test_{name}.py")


@cache
def named_in(file: Path) -> frozenset[str]:
    """The modules of ours that a file imports, anywhere in it, or names in a text.

    A text may hold a module's whole name, or the name, or file, of one in the same folder.
    """
    own = next((name for name, other in MODULES.items() if other == file), "")
    package = own.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update((node.value, f"{package}.{node.value.removesuffix('.py')}"))
    return frozenset(found & MODULES.keys())


def reached(start: set[str]) -> set[str]:
    """Some modules and all that they lead to."""
    found, waiting = set(start), list(start)
    while waiting:
        new = named_in(MODULES[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


CONTENT = [name for name, file in MODULES.items() if not file.name.startswith("__")]


def test_every_module_is_tested_where_it_lies_or_by_those_that_use_it():
    by_themselves = {module for module in CONTENT if own_test(module).is_file()}
    by_themselves |= {module for test in TESTS for module in named_in(test)}
    used = {other for module in by_themselves for other in named_in(MODULES[module])}
    missing = set(CONTENT) - by_themselves - used
    for folder in {own_test(module).parent for module in missing}:
        files = folder.rglob("*.py") if folder != ROOT / "tests" else folder.glob("*.py")
        missing -= reached({module for file in files for module in named_in(file)})
    assert sorted(missing) == []


def test_tests_lie_where_what_they_test_does():
    folders = {own_test(module).parent for module in MODULES}
    assert [test for test in TESTS if test.parent not in folders] == []


def test_the_map_names_every_folder_and_file_of_the_first_level():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    page = text[text.index("## Where things go") :]
    entries = {
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in PACKAGES["lsamatting"].iterdir()
        if not entry.name.startswith(("_", ".")) and entry.name != "py.typed"
    }
    assert sorted(entry for entry in entries | {"reproduce/"} if entry not in page) == []
