"""Every hook, with its signature and what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

from docgen.markdown import prose
from suite import hookspecs


def page() -> dict[str, str]:
    """Path -> text."""
    parts = [
        "# Hooks",
        "A plugin implements hooks: functions of these names, marked `@suite.hookimpl`. An "
        "implementation may leave out arguments that it does not need. [Plugins](../plugins.md) "
        "shows them in use.",
    ]
    for node in ast.parse(Path(hookspecs.__file__).read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            line = f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
            parts += [f"## {node.name}", f"```python\n{line}\n```"]
            parts.append(prose(ast.get_docstring(node) or ""))
    return {"reference/hooks.md": "\n\n".join(parts) + "\n"}
