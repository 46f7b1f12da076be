"""Training settings as nested mappings, as dotted names, and as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from lsamatting.errors import ConfigError

Settings = dict[str, Any]
"""Mappings within mappings, as a training configuration's file holds them."""


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn `{"data": {"size": 320}}` into `{"data.size": 320}`; dotted names stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nest(flat: Mapping[str, Any]) -> Settings:
    """Undo `flatten`."""
    settings: Settings = {}
    for name, value in flat.items():
        settings = merge(settings, _nested(name, value))
    return settings


def _nested(name: str, value: Any) -> Settings:
    for part in reversed(name.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def merge(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    """Give the settings with changes in them; neither argument is altered."""
    merged = dict(settings)
    for key, value in changes.items():
        before = merged.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(before, value) if both else value  # type: ignore[arg-type]
    return merged


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the settings, dotted, in which the two differ."""
    first, second = flatten(one), flatten(other)
    return [
        name
        for name in sorted({*first, *second})
        if name not in first or name not in second or first[name] != second[name]
    ]


def parse_value(text: str) -> Any:
    """Read a value as YAML would."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def read_yaml(file: Path) -> Settings:
    """Read a file of keys with values.

    Raises
    ------
    ConfigError
        It is missing, unreadable, or holds something else.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigError(f"{file}: cannot be read ({reason})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: must hold keys with values")
    return content


def write_yaml(settings: Settings) -> str:
    """Give the text of a file that `read_yaml` reads."""
    return str(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
