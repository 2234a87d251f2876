"""Transforms that a project brings in its own `transforms.py`: trusted code, run as it stands and reported as such.

Each public function of the file is a transform, of the same form as those in `transforms`: one text column (or
`*columns`, where it makes one of several) to one text column of the same length, arguments by keyword only and with
their types. EXAMPLES holds for each of them what it makes of a few cells: name -> [(arguments, cell, result), ...].
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import pyarrow as pa

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from .transform import Transform, WrongArgumentError, available, make_transform

FILE: Final = "transforms.py"
_MODULE: Final = "changeover_project_transforms"

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class OwnTransforms:
    """file: as findings name it. digest: SHA-256 of the file, on which what its transforms do depends."""

    file: str
    digest: str
    transforms: Mapping[str, Transform]

    def used(self, names: Iterable[str]) -> Finding:
        """That code which is not this program's has a say in what records become. names: of the transforms used."""
        told = {"names": ", ".join(sorted(set(names))) or "-", "digest": self.digest[:12]}
        return Finding("mapping.own_used", Severity.INFO, told, file=self.file)


class _AsItStands(importlib.machinery.SourceFileLoader):
    """Reads the source each time: neither an old nor a new compiled copy lies in the project folder."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def read_own_transforms(path: Path) -> OwnTransforms | None:
    """The file's transforms, each of which does what its examples say; None where there is no such file.

    Raises InputError `mapping.own_broken` where the file cannot be run, and `mapping.own_wrong` with every function
    that is no transform or fails an example."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError("mapping.own_unreadable", file=path.name, reason=error.strerror or "") from error
    module = _run(path)
    examples = getattr(module, "EXAMPLES", {})
    examples = examples if isinstance(examples, dict) else {}
    digest = hashlib.sha256(raw).hexdigest()
    made: dict[str, Transform] = {}
    problems: list[Finding] = []
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("_") or function.__module__ != module.__name__:
            continue
        transform, wrong = _made(name, function, examples.get(name, ()), path, digest)
        problems += wrong
        if transform is not None:
            made[name] = transform
    public = {name for name in vars(module) if inspect.isfunction(getattr(module, name))}
    for name in sorted(map(str, examples.keys() - public)):
        problems.append(Finding("mapping.own_example_of_nothing", Severity.BLOCKS, {"name": name}, file=path.name))
    if problems:
        ordered = tuple(sorted(problems, key=lambda each: each.line or 0))
        raise InputError("mapping.own_wrong", ordered, file=path.name, count=len(problems))
    return OwnTransforms(path.name, digest, made)


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_loader(_MODULE, _AsItStands(_MODULE, str(path)))
    if spec is None or spec.loader is None:
        raise InputError("mapping.own_unreadable", file=path.name, reason="")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # dataclasses and the like look their module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise _broken(path, error.lineno or 1, "SyntaxError", error.msg) from error
    except Exception as error:
        raise _broken(path, _line_of(error, path), type(error).__name__, str(error)) from error
    return module


def _broken(path: Path, line: int, error: str, problem: str) -> InputError:
    return InputError("mapping.own_broken", file=path.name, line=line, error=error, problem=problem)


def _line_of(error: BaseException, path: Path) -> int:
    """The last line of the file that led to the error."""
    lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)


def _made(
    name: str, function: Function, examples: object, path: Path, digest: str
) -> tuple[Transform | None, list[Finding]]:
    def found(code: str, **params: str | int) -> Finding:
        line = function.__code__.co_firstlineno
        return Finding(code, Severity.BLOCKS, {"name": name, **params}, file=path.name, line=line)

    if name in available():
        return None, [found("mapping.own_name_taken")]
    if not _takes_columns(function):
        return None, [found("mapping.own_signature")]
    if not isinstance(examples, list) or not examples:
        return None, [found("mapping.own_no_example")]
    guarded = _guarded(name, function, path)
    try:
        transform = make_transform(name, guarded, inspect.getdoc(function) or "", tuple(examples), digest)
    except (NameError, TypeError, KeyError) as error:  # a type that is none, or an argument without one
        return None, [found("mapping.own_arguments", problem=f"{type(error).__name__}: {error}")]
    failed = list(_failed(transform))
    return transform, [found("mapping.own_example", number=number, problem=problem) for number, problem in failed]


def _takes_columns(function: Function) -> bool:
    """One column, or any number of them, and the rest by keyword."""
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    columns = [kind for kind in kinds if kind is not inspect.Parameter.KEYWORD_ONLY]
    single = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len(columns) == 1 and (columns[0] in single or columns[0] is inspect.Parameter.VAR_POSITIONAL)


def _failed(transform: Transform) -> Iterator[tuple[int, str]]:
    """The number of each example that does not come true, and what came instead."""
    for number, example in enumerate(transform.examples, 1):
        try:
            arguments, cell, wanted = example
            cells = cell if isinstance(cell, tuple) else (cell,)
            columns = [pa.array([each], pa.string()) for each in cells]
            got = transform.bind(arguments, len(columns))(*columns)[0].as_py()
        except WrongArgumentError as error:
            yield number, str(error)
        except InputError as error:
            yield number, shown(error)
        except (TypeError, ValueError, pa.ArrowException) as error:
            yield number, f"{type(error).__name__}: {error}"
        else:
            if got != wanted:
                yield number, f"{got!r} != {wanted!r}"


def _guarded(name: str, function: Function, path: Path) -> Function:
    """The function, with whatever it raises as InputError `mapping.own_failed`, without the text of the error, which
    may quote a cell; and `mapping.own_result` where it does not give a text for each cell."""

    @wraps(function)
    def guarded(*columns: pa.StringArray, **arguments: object) -> pa.StringArray:
        try:
            result = function(*columns, **arguments)
        except Exception as error:
            line, kind = _line_of(error, path), type(error).__name__
            raise InputError("mapping.own_failed", file=path.name, name=name, line=line, error=kind) from error
        array = result.combine_chunks() if isinstance(result, pa.ChunkedArray) else result
        if not isinstance(array, pa.StringArray) or len(array) != len(columns[0]):
            line = function.__code__.co_firstlineno
            raise InputError("mapping.own_result", file=path.name, name=name, line=line)
        return array

    return guarded


def shown(error: InputError) -> str:
    """What went wrong, for who wrote it: of cells that are made up."""
    cause = f"{type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else "no text for each cell"
    return f"line {error.params['line']}: {cause}"
