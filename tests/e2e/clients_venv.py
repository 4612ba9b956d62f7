"""Continues a test in the Python of `scripts/setup.sh --clients`, where the
official client packages are: import this before anything that needs them.

Without them the test ends at once with status 77, which ctest shows as skipped.
"""

import importlib.util
import os
import pathlib
import sys

PACKAGES = ["anthropic", "jsonschema", "openai", "playwright", "pydantic"]
PYTHON = os.environ.get(
    "HADAL_CLIENTS_PYTHON",
    str(pathlib.Path(__file__).resolve().parents[2] / ".venv-clients" / "bin" / "python"))

missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
if missing:
    if os.path.exists(PYTHON) and os.environ.get("HADAL_CLIENTS_STARTED") != "1":
        os.environ["HADAL_CLIENTS_STARTED"] = "1"
        os.execv(PYTHON, [PYTHON, *sys.argv])
    print(f"skipped: no Python with {', '.join(missing)} (scripts/setup.sh --clients)")
    sys.exit(77)
