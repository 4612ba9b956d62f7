"""Random outputs under every schema of tests/data/schemas.jsonl, judged by the
Python package jsonschema. Needs a Python with jsonschema:
$HADAL_CLIENTS_PYTHON, or .venv-clients of `scripts/setup.sh --clients`.

HADAL_SCHEMA_WALK is the program that samples, HADAL_SOURCE the source tree;
ctest sets both. Run by a Python without jsonschema, this file hands itself to
the one that has it."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["HADAL_SOURCE"])
PYTHON = os.environ.get("HADAL_CLIENTS_PYTHON",
                        str(SOURCE / ".venv-clients" / "bin" / "python"))
SCHEMAS = SOURCE / "tests" / "data" / "schemas.jsonl"
SAMPLES = int(os.environ.get("HADAL_SCHEMA_SAMPLES", "12"))
TOO_LONG = 0.15  # of the outputs may reach the limit of tokens


def has_jsonschema(python):
    try:
        return subprocess.run([python, "-c", "import jsonschema"],
                              capture_output=True).returncode == 0
    except OSError:
        return False


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Schemas(unittest.TestCase):
    def setUp(self):
        self.schemas = {line["name"]: line["schema"]
                        for line in lines(SCHEMAS.read_text())}

    def walk(self, tokenizer, samples):
        done = subprocess.run(
            [os.environ["HADAL_SCHEMA_WALK"], tokenizer, SCHEMAS, str(samples)],
            capture_output=True, timeout=900)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return lines(done.stdout.decode())

    def check(self, outputs, samples):
        import jsonschema
        kinds = jsonschema.Draft202012Validator
        self.assertEqual(len(outputs), samples * len(self.schemas),
                         [o for o in outputs if "refused" in o])
        cut = 0
        for output in outputs:
            name = output["name"]
            if not output["ended"]:
                cut += 1
                continue
            with self.subTest(schema=name, output=output["output"]):
                value = json.loads(output["output"])
                kinds(self.schemas[name],
                      format_checker=kinds.FORMAT_CHECKER).validate(value)
        self.assertLess(cut, TOO_LONG * len(outputs))

    def test_there_are_many_schemas(self):
        self.assertGreaterEqual(len(self.schemas), 150)

    def test_outputs_are_valid(self):
        self.check(self.walk(SOURCE / "models" / "nano", SAMPLES), SAMPLES)

    def test_outputs_of_the_real_vocabulary_are_valid(self):
        samples = max(1, SAMPLES // 6)
        self.check(self.walk(os.environ["HADAL_TOKENIZER_V4"], samples),
                   samples)


if __name__ == "__main__":
    if not has_jsonschema(sys.executable):
        if has_jsonschema(PYTHON):
            os.execv(PYTHON, [PYTHON, *sys.argv])
        print("skipped: no Python with jsonschema "
              "(scripts/setup.sh --clients)")
        sys.exit(77)
    unittest.main()
