from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import recordkit
from recordkit.store import PROJECTIONS

PACKAGE = Path(recordkit.__file__).parent
LAYERS = [
    {"messages"},
    {"errors"},
    {"actforms", "model", "tomltold"},
    {"archive_settings", "officerules", "lockholder"},
    {"files", "ed25519", "settings", "crew"},
    {"ledger", "notes", "pending", "new_settings"},
    {"db", "glance"},
    {"workspace"},
    {"people"},
    {"checkpoints"},
    {"templates"},
    {"archive"},
    {"retention"},
    {"store"},
    {"copies"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """Modules of recordkit that a module imports, with line and whether only for type checking."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("recordkit.") and not name.startswith("recordkit.__"):
                yield name.removeprefix("recordkit."), node.lineno, id(node) in typing_only


def test_imports_go_one_way() -> None:
    wrong = []
    for name, tree in modules():
        own = name.split(".")[0]
        if own in ("__init__", ""):
            continue
        for target, line, typing_only in imported(tree):
            other = target.split(".")[0]
            if other != own and RANK[other] >= RANK[own] and not typing_only:
                wrong.append(f"{name}:{line} imports {target}")
    assert wrong == []


def test_every_projection_has_its_module_and_its_tables() -> None:
    """They are loaded by name; so no import tells that one of them is gone, or that one is not registered."""
    applying = {f"recordkit.{name}" for name, tree in modules()
                if any(isinstance(node, ast.FunctionDef) and node.name == "apply_entry" for node in tree.body)}
    assert [one.module for one in PROJECTIONS if one.module not in applying] == []
    assert applying == {one.module for one in PROJECTIONS}
    assert all(one.schema.startswith("CREATE TABLE") for one in PROJECTIONS)
    assert {path.with_suffix(".py").name for path in PACKAGE.rglob("*.sql")} == {
        one.module.rpartition(".")[2] + ".py" for one in PROJECTIONS}


def test_a_reader_of_a_store_that_is_current_loads_no_projection() -> None:
    loaded = subprocess.run([sys.executable, "-c", "import recordkit.store, sys; print(*sys.modules)"],
                            capture_output=True, text=True, check=True).stdout.split()
    assert "recordkit.store" in loaded
    assert not {one.module for one in PROJECTIONS} & set(loaded)


def test_every_module_has_a_layer() -> None:
    assert {name.split(".")[0] for name, _ in modules()} - {"__init__", ""} == set(RANK)


def test_no_cycle_among_modules() -> None:
    known = {name for name, _ in modules()}
    edges: dict[str, set[str]] = {}
    for name, tree in modules():
        targets = set()
        for target, _, typing_only in imported(tree):
            if typing_only:
                continue
            module = target if target in known else target.rpartition(".")[0]
            if module and module != name:
                targets.add(module)
        edges[name] = targets
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name in done:
            return
        for target in sorted(edges.get(name, ())):
            visit(target, (*path, name))
        done.add(name)

    for name in sorted(edges):
        visit(name, ())


def test_only_the_command_line_uses_click_the_clock_and_the_environment() -> None:
    wrong = []
    for name, tree in modules():
        if name.startswith("cli") or name == "__main__":
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                if "click" in names:
                    wrong.append(f"{name}:{node.lineno} imports click")
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("sys.exit", "print", "input", "datetime.now", "date.today", "datetime.utcnow"):
                    wrong.append(f"{name}:{node.lineno} calls {called}")
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ":
                wrong.append(f"{name}:{node.lineno} reads the environment")
    assert wrong == []


def test_only_files_py_writes() -> None:
    """Writing elsewhere would miss the staging and syncing; these modules hand paths to others that write."""
    allowed = {"files", "people", "store", "templates.office_watch", "cli.demo", "cli.main"}
    wrong = []
    for name, tree in modules():
        if name in allowed:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if ast.unparse(node.func.value) == "formatter":
                continue  # click's help formatter
            if node.func.attr in ("write_bytes", "write_text", "rename", "unlink", "rmtree", "mkdir", "touch"):
                wrong.append(f"{name}:{node.lineno} calls {ast.unparse(node.func)}")
    assert wrong == []


def test_no_module_is_longer_than_600_lines() -> None:
    long = {
        path.name: count
        for path in PACKAGE.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert long == {}


def test_no_two_files_of_tests_have_the_same_name() -> None:
    """One of them would not be collected: pytest imports them by their names alone."""
    names = [path.name for path in Path(__file__).parent.parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
