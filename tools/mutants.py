"""Breaks the rules one place at a time and looks whether a test notices: ``python tools/mutants.py [MODULE ...]``.

What is broken, which tests guard it, and which breaks change nothing that anybody could see, stands in ``mutants.toml``
beside this file. A mutant is killed when one of the tests that run through its place fails, or takes many times as long
as it should; a mutant that lives and is not explained makes this program end with 1, an explanation of a mutant that
dies or is no more, too. ``--coverage`` measures lines and branches only, with the same tests; what is missing ends
with 1.

Each mutant lives in a forked process: the syntax tree is changed in memory, no file is ever written. Programs that a
test starts see the unharmed module. In the fork everything is loaded already, and the function that is broken gets
other code; what lives that way, or does not lie in a function, is tried with all modules loaded anew. Files of tests
are made in memory where the system has such a place. POSIX only. Needs coverage (extra ``dev``).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.machinery
import inspect
import io
import json
import os
import resource
import sys
import tempfile
import time
import tomllib
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = Path(__file__).with_suffix(".toml")
SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112
SWAPPED_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
SWAPPED_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift}
SWAPPED_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
PREPARED = ("pytest", "hypothesis", "msgspec", "click", "cryptography.hazmat.primitives.asymmetric.ed25519", "jinja2",
            "docx", "openpyxl", "lxml.etree", "numpy", "PIL.Image", "pypdf", "rich.table", "sqlite3", "filelock")
"""Libraries imported once, before the forks."""


@dataclass(frozen=True)
class Mutant:
    """One place broken. ``lines``: of the statement, or of the head of it, that the place belongs to."""

    number: int
    where: str
    change: str
    line: int
    lines: range


@dataclass
class Guarded:
    """A module and what is known of it. ``explained``: reason by (function, change)."""

    path: Path
    source: str
    tests: list[str]
    explained: dict[tuple[str, str], str]
    quick: bool
    by_line: dict[int, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def read_settings() -> list[Guarded]:
    """The modules of ``mutants.toml``, in its order."""
    told = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    return [Guarded(ROOT / one["path"], (ROOT / one["path"]).read_text(encoding="utf-8"), one["tests"],
                    {(such["where"], such["change"]): such["because"] for such in one.get("lives", ())},
                    one.get("quick", False))
            for one in told["module"]]


class Breaker:
    """Walks through a module in one fixed order and breaks place number ``wanted``; -1 breaks nothing."""

    def __init__(self, source: str, wanted: int = -1) -> None:
        self.tree = ast.parse(source)
        self.found: list[Mutant] = []
        self._count: Counter[tuple[str, str]] = Counter()
        self._wanted = wanted
        self._where: list[str] = []
        self._statement: ast.stmt | None = None
        self._block(self.tree.body)

    def _place(self, node: ast.AST, after: str, apply: Callable[[], None], before: str = "") -> None:
        assert self._statement is not None
        first = self._statement
        heads = [one.end_lineno or one.lineno for one in ast.iter_child_nodes(first) if isinstance(one, ast.expr)]
        last = max([first.lineno, *heads]) if hasattr(first, "body") else first.end_lineno or first.lineno
        if len(self.found) == self._wanted:
            apply()
        where, change = ".".join(self._where), f"{before or ast.unparse(node)} -> {after}"
        if isinstance(node, ast.Constant):
            change += f" in {ast.unparse(first).splitlines()[0][:100]}"
        self._count[where, change] += 1
        if self._count[where, change] > 1:
            change += f" #{self._count[where, change]}"
        self.found.append(Mutant(len(self.found), where, change, getattr(node, "lineno", first.lineno),
                                 range(first.lineno, last + 1)))

    def _block(self, body: list[ast.stmt]) -> None:
        for at, statement in enumerate(body):
            outer, self._statement = self._statement, statement
            self._one(body, at, statement)
            self._statement = outer

    def _one(self, body: list[ast.stmt], at: int, node: ast.stmt) -> None:
        if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._where.append(node.name)
        droppable = isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Break | ast.Continue | ast.Delete) or (
            isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple))
        if droppable and not isinstance(getattr(node, "value", None), ast.Yield | ast.YieldFrom):
            self._place(node, "pass", lambda: body.__setitem__(at, ast.copy_location(ast.Pass(), node)),
                        ast.unparse(node)[:100])
        if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
            def return_nothing(node: ast.Return = node) -> None:
                node.value = ast.copy_location(ast.Constant(None), node)

            self._place(node, "return None", return_nothing)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "keywords", "type_comment"):
                continue
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                self._block(value)
            elif isinstance(value, list):
                for index, inner in enumerate(value):
                    if isinstance(inner, ast.ExceptHandler | ast.match_case):
                        self._block(inner.body)
                    elif isinstance(inner, ast.AST):
                        self._expression(inner, lambda new, value=value, index=index: value.__setitem__(index, new))
            elif isinstance(value, ast.AST):
                if name == "test":
                    self._condition(value, lambda new, node=node, name=name: setattr(node, name, new))
                self._expression(value, lambda new, node=node, name=name: setattr(node, name, new))
        if named:
            self._where.pop()

    def _condition(self, node: ast.AST, put: Callable[[ast.AST], None]) -> None:
        """A bare condition is turned round; comparisons and ``and``/``or`` are broken where they stand."""
        if isinstance(node, ast.expr) and not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
            after = ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
            self._place(node, f"not {ast.unparse(node)}", lambda: put(after))

    def _expression(self, node: ast.AST, put: Callable[[ast.AST], None]) -> None:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("cast", "TypeVar", "NewType"):
            return
        if isinstance(node, ast.Compare):
            for at, sign in enumerate(node.ops):
                new = SWAPPED_COMPARISONS[type(sign)]()
                changed = copy.copy(node)
                changed.ops = [*node.ops[:at], new, *node.ops[at + 1:]]
                self._place(node, ast.unparse(changed), lambda at=at, new=new: node.ops.__setitem__(at, new))
        elif isinstance(node, ast.BoolOp):
            other = ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            self._place(node, ast.unparse(other), lambda: setattr(node, "op", other.op))
        elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED_SUMS and not (
                _is_text(node.left) or _is_text(node.right)):
            sum_ = ast.BinOp(node.left, SWAPPED_SUMS[type(node.op)](), node.right)
            self._place(node, ast.unparse(sum_), lambda: setattr(node, "op", sum_.op))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._place(node, ast.unparse(node.operand), lambda: put(node.operand))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            self._place(node, str(not node.value), lambda: setattr(node, "value", not node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            self._place(node, str(node.value + 1), lambda: setattr(node, "value", node.value + 1))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED_NAMES:
            called, swapped = node.func, SWAPPED_NAMES[node.func.id]
            if not (swapped == "list" and node.keywords):
                change = ast.unparse(node)
                self._place(node, swapped + change[len(called.id):], lambda: setattr(called, "id", swapped))
        elif isinstance(node, ast.IfExp):
            self._condition(node.test, lambda new: setattr(node, "test", new))
        elif isinstance(node, ast.comprehension):
            for at, test in enumerate(node.ifs):
                self._condition(test, lambda new, at=at: node.ifs.__setitem__(at, new))
        for name, value in ast.iter_fields(node):
            if name == "annotation":
                continue
            if isinstance(value, list):
                for index, inner in enumerate(value):
                    if isinstance(inner, ast.AST):
                        self._expression(inner, lambda new, value=value, index=index: value.__setitem__(index, new))
            elif isinstance(value, ast.AST):
                self._expression(value, lambda new, name=name: setattr(node, name, new))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def in_a_fork(work: Callable[[], Any], cpu_seconds: int) -> Any:
    """What ``work`` returns (as JSON) in a process of its own; None when it died or took too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 2))
            _be_quiet()
            answer = json.dumps(work()).encode()
            with os.fdopen(writing, "wb") as handle:
                handle.write(answer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as handle:
        raw = handle.read()
    os.waitpid(child, 0)
    return json.loads(raw) if raw else None


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.close(quiet)


def run_tests(tests: list[str], plugins: list[object]) -> int:
    """Exit code of pytest, which stops at the first failure."""
    import hypothesis
    import pytest

    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    hypothesis.settings.load_profile("mutants")
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=SCRATCH) as scratch:
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no",
                                f"--basetemp={scratch}/t", f"--rootdir={ROOT}", *tests], plugins=plugins))


class _Watch:
    """Pytest plugin: which test runs through which line of one module, and how long each takes."""

    def __init__(self, measured: Any) -> None:
        import pytest

        self._measured = measured
        self.seconds: dict[str, float] = {}

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_protocol(item: Any, nextitem: Any) -> Iterator[None]:
            measured.switch_context(item.nodeid)
            begun = time.process_time()
            yield
            self.seconds[item.nodeid] = time.process_time() - begun
            measured.switch_context("")

        self.pytest_runtest_protocol = pytest_runtest_protocol


def look(guarded: Guarded) -> dict[str, Any]:
    """Runs the tests of a module unharmed, measured; in the process in which the forks of its mutants begin."""
    import coverage

    measured = coverage.Coverage(branch=True, include=[str(guarded.path)], data_file=None, config_file=False)
    measured.start()
    watch = _Watch(measured)
    code = run_tests(guarded.tests, [watch])
    measured.stop()
    measured.exclude(r"if TYPE_CHECKING:")
    told = io.StringIO()
    share = measured.report([str(guarded.path)], file=told, show_missing=True)
    lines = measured.get_data().contexts_by_lineno(str(guarded.path))
    return {"code": code, "share": share, "told": told.getvalue().splitlines()[2:3],
            "lines": {str(line): names for line, names in lines.items()}, "seconds": watch.seconds}


def outlives(guarded: Guarded, mutant: Mutant) -> bool:
    """Whether no test notices."""
    names = {name for line in mutant.lines for name in guarded.by_line.get(line, ())}
    # A line that runs while modules are imported belongs to every test.
    chosen = sorted(guarded.seconds if "" in names else names, key=lambda one: guarded.seconds.get(one, 0.0))
    if not chosen:
        return True
    limit = 10 + int(4 * sum(guarded.seconds.get(one, 1.0) for one in chosen))

    broken = ast.fix_missing_locations(Breaker(guarded.source, mutant.number).tree)

    def given_other_code() -> int:
        return run_tests(chosen, []) if _transplant(guarded, broken) else 0

    def loaded_anew() -> int:
        whole = importlib.machinery.SourceFileLoader.get_code

        def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> Any:
            if Path(loader.path).resolve() == guarded.path:
                return compile(broken, str(guarded.path), "exec")
            return whole(loader, name)

        importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
        for name, module in list(sys.modules.items()):
            if name != "__main__" and str(getattr(module, "__file__", None) or "").startswith(f"{ROOT}{os.sep}"):
                del sys.modules[name]
        return run_tests(chosen, [])

    return in_a_fork(given_other_code, limit) == 0 and in_a_fork(loaded_anew, limit) == 0


def _transplant(guarded: Guarded, broken: ast.Module) -> bool:
    """Give the loaded functions the code of the broken ones; False, and nothing is done, when other places differ."""
    sound = compile(guarded.source, str(guarded.path), "exec", dont_inherit=True)
    changed: dict[str, types.CodeType] = {}
    if not _differences(sound, compile(broken, str(guarded.path), "exec", dont_inherit=True), changed):
        return False
    (module,) = (one for one in sys.modules.values() if getattr(one, "__file__", None) == str(guarded.path))
    found: list[tuple[types.FunctionType, types.CodeType]] = []
    for name, code in changed.items():
        at: Any = module
        for part in name.split("."):
            at = inspect.getattr_static(at, part, None)
        at = getattr(at, "fget", None) or getattr(at, "__func__", at)
        if not isinstance(at, types.FunctionType) or hasattr(at, "__wrapped__"):
            return False
        found.append((at, code))
    for function, code in found:
        function.__code__ = code
    return bool(found)


def _differences(sound: types.CodeType, broken: types.CodeType, changed: dict[str, types.CodeType]) -> bool:
    """Functions whose code differs, by name; False when something else differs, too."""
    if sound.co_flags & inspect.CO_OPTIMIZED:
        if sound != broken:
            changed[sound.co_qualname] = broken
        return sound.co_freevars == broken.co_freevars
    pairs = list(zip(sound.co_consts, broken.co_consts, strict=False))
    plain = [one for one in pairs if not isinstance(one[0], types.CodeType)]
    return (sound.co_code == broken.co_code and sound.co_names == broken.co_names
            and len(sound.co_consts) == len(broken.co_consts)
            and all(type(one) is type(other) and one == other for one, other in plain)
            and all(isinstance(other, types.CodeType) and _differences(one, other, changed)
                    for one, other in pairs if isinstance(one, types.CodeType)))


def main() -> int:
    """Parse, look, break, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="end of a path: review.py; all without one")
    parser.add_argument("--coverage", action="store_true", help="lines and branches only")
    parser.add_argument("--quick", action="store_true", help="modules whose tests take seconds, as CI does")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--where", default="", help="only mutants of functions whose name contains this")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "contract")]
    for name in PREPARED:
        importlib.import_module(name)
    wrong = 0
    for guarded in read_settings():
        if chosen.modules and not any(str(guarded.path).endswith(one) for one in chosen.modules):
            continue
        if chosen.quick and not guarded.quick:
            continue
        # Each in a process of its own: its tests load the module, and only its own forks may have it loaded.
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = min(_judge(guarded, chosen), 1)
                sys.stdout.flush()
            finally:
                os._exit(code)
        wrong += os.waitpid(child, 0)[1] != 0
    return 1 if wrong else 0


def _judge(guarded: Guarded, chosen: argparse.Namespace) -> int:
    name = guarded.path.relative_to(ROOT)
    loud = [os.dup(stream) for stream in (0, 1, 2)]
    _be_quiet()
    seen = _told(look, guarded)
    for stream, kept in enumerate(loud):
        os.dup2(kept, stream)
    if "error" in seen or seen["code"] != 0:
        print(f"{name}: its tests do not pass by themselves: {seen.get('error') or seen.get('code')}")
        return 1
    print(" ".join(seen["told"]) or name, flush=True)
    wrong = int(seen["share"] < 100)
    if chosen.coverage:
        return wrong
    guarded.by_line = {int(line): names for line, names in seen["lines"].items()}
    guarded.seconds = seen["seconds"]
    mutants = [one for one in Breaker(guarded.source).found if chosen.where in one.where]
    lives: list[Mutant] = []
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for mutant, survived in zip(mutants, pool.map(lambda one: outlives(guarded, one), mutants), strict=True):
            if survived:
                lives.append(mutant)
                known = guarded.explained.get((mutant.where, mutant.change))
                print(f"  {'lives' if known is None else 'known'}  {name}:{mutant.line} {mutant.where}: "
                      f"{mutant.change}" + (f"  ({known})" if known else ""), flush=True)
    keys = {(one.where, one.change) for one in lives}
    idle = [] if chosen.where else [key for key in guarded.explained if key not in keys]
    for where, change in idle:
        print(f"  explained, but does not live  {name} {where}: {change}")
    unknown = [one for one in lives if (one.where, one.change) not in guarded.explained]
    print(f"  {len(mutants)} mutants, {len(mutants) - len(lives)} killed, {len(lives) - len(unknown)} explained, "
          f"{len(unknown)} not explained", flush=True)
    return wrong + len(unknown) + len(idle)


def _told(work: Callable[[Guarded], dict[str, Any]], guarded: Guarded) -> dict[str, Any]:
    try:
        return work(guarded)
    except BaseException:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    sys.exit(main())
