"""The configuration as `add` and `import` write it.

Owns: TOML of the few kinds of value that they need, and names for new providers. Refuses: to know
keys, and to touch any file.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import chain, count

Value = bool | str | date | Sequence[str] | Mapping[str, str]


def table(name: str, keys: Mapping[str, Value]) -> str:
    """Return a table of TOML; its name and keys need no quotes."""
    return "".join([f"[{name}]\n", *(f"{key} = {_value(keys[key])}\n" for key in keys)])


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        # TOML takes a text of JSON, but for one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_value(key)} = {_value(value[key])}' for key in value)} }}"
    if len(value) == 1:
        return f"[{_value(value[0])}]"
    return "\n".join(["[", *(f"    {_value(text)}," for text in value), "]"])


def unused_name(wanted: str, taken: Collection[str]) -> str:
    """Return a provider's name made from a domain or network, with a number if it is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-") or "provider"
    names = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)
