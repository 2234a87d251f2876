"""What nobody outside knows of a system, or what differs between its customers, as settings with names."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Self

import yaml

from ..errors import InputError
from ..simulators import Setting
from .shipped import read_shipped


def setting(default: Any, about: str, *choices: str, known: bool = False) -> Any:
    """A field of a class of settings. choices: what may be given, anything where there are none. known: whether the
    default is told by the vendor or is the customer's own affair; else it is a guess."""
    return field(default=default, metadata={"about": about, "choices": choices, "known": known})


class DeclaredSettings:
    """Its subclasses are dataclasses whose fields are all a `setting`."""

    __slots__ = ()

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Raises InputError `simulator.setting_unknown`, `simulator.setting_value`."""
        fields = {each.name: each for each in _fields(cls)}
        values: dict[str, Any] = {}
        for name, text in given.items():
            if name not in fields:
                raise InputError("simulator.setting_unknown", name=name, known=", ".join(fields))
            default: Any = fields[name].default
            choices = fields[name].metadata["choices"]
            try:
                values[name] = type(default)(text)
            except ValueError as error:
                raise InputError("simulator.setting_value", name=name, expected=type(default).__name__) from error
            if choices and text not in choices:
                raise InputError("simulator.setting_value", name=name, expected=" | ".join(choices))
        return cls(**values)

    @classmethod
    def told(cls, chinese: Path) -> tuple[Setting, ...]:
        """For the list that the command shows. chinese: the file with what each decides, in Chinese."""
        words = read_shipped(chinese)
        return tuple(
            Setting(
                each.name,
                str(each.default),
                each.metadata["choices"],
                {"en": each.metadata["about"], "zh": words[each.name]},
                each.metadata["known"],
            )
            for each in _fields(cls)
        )

    def named(self, name: str) -> tuple[str, ...]:
        """A setting that is a list."""
        return tuple(each.strip() for each in str(getattr(self, name)).split(",") if each.strip())


def kept_settings(folder: Path | None, name: str) -> dict[str, str]:
    """What stands under `settings` in a simulator's own YAML file, each as the text that it is: `on` and `no` too;
    nothing where there is no such folder or file. Raises InputError `simulator.file`."""
    if folder is None or not (folder / name).exists():
        return {}
    told = _read(folder / name, yaml.BaseLoader)
    settings = (told.get("settings") or {}) if isinstance(told, dict) else None
    if not isinstance(settings, dict):
        raise InputError("simulator.file", path=str(folder / name), reason="settings")
    return {str(key): str(value) for key, value in settings.items()}


def told_in(file: Path, keys: Collection[str]) -> dict[str, Any]:
    """All of a simulator's own YAML file. keys: those that it may have. Raises InputError `simulator.file`."""
    told = _read(file, yaml.SafeLoader)
    if not isinstance(told, dict) or not told.keys() <= set(keys):
        raise InputError("simulator.file", path=str(file), reason=", ".join(sorted(keys)))
    return told


def _read(file: Path, loader: type[yaml.BaseLoader | yaml.SafeLoader]) -> Any:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), loader) or {}  # noqa: S506 - neither makes objects
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("simulator.file", path=str(file), reason=type(error).__name__) from error


def _fields(cls: type[DeclaredSettings]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)  # type: ignore[arg-type]  # its subclasses are dataclasses
