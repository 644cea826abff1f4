"""Schemas of custom resources, taken from their projects' definitions.

``python -m tests.deployment.crds PROJECT@VERSION FILE…`` writes one JSON file for each kind,
without the descriptions. Which they are and under what licence stands in ``schemas/README.md``.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "schemas"


def bare(schema: Any) -> Any:
    """Leave out what explains; under ``properties`` a description is a field like any other."""
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: bare(one) for name, one in value.items()}
        if key == "properties"
        else bare(value)
        for key, value in schema.items()
        if not (key == "description" and isinstance(value, str))
        and not key.startswith("x-kubernetes-validations")
    }


def strict(schema: Any) -> Any:
    """Return the schema as JSON Schema that refuses every field it does not name.

    An object that names no field, or that keeps what it does not know, takes any.
    """
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: {name: strict(one) for name, one in value.items()}
        if key == "properties"
        else strict(value)
        for key, value in schema.items()
    }
    if (
        "properties" in found
        and found.get("type") == "object"
        and not found.get("x-kubernetes-preserve-unknown-fields")
    ):
        found.setdefault("additionalProperties", False)
    if found.pop("x-kubernetes-int-or-string", False):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.pop("nullable", False) and "type" in found:
        found["type"] = [found["type"], "null"]
    return found


@cache
def schemas() -> dict[tuple[str, str], dict[str, Any]]:
    """The strict schema of each kind, by its apiVersion and name."""
    found = {}
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text())
        if "apiVersion" not in document:
            continue
        schema = strict(document["schema"])
        # What every object has is Kubernetes' own, and held by the test of the built-in kinds.
        texts = {"type": "object", "additionalProperties": {"type": "string"}}
        text = {"type": "string"}
        schema["properties"]["metadata"] = {
            "type": "object",
            "properties": {"name": text, "namespace": text, "labels": texts, "annotations": texts},
            "additionalProperties": False,
            "required": ["name"],
        }
        schema["required"] = sorted({*schema.get("required", ()), "metadata", "spec"})
        found[document["apiVersion"], document["kind"]] = schema
    return found


def main(source: str, *files: str) -> None:
    for name in files:
        definition = yaml.safe_load(Path(name).read_text())["spec"]
        [version] = [one for one in definition["versions"] if one["storage"]]
        kind = definition["names"]["kind"]
        document = {
            "source": source,
            "apiVersion": f"{definition['group']}/{version['name']}",
            "kind": kind,
            "schema": bare(version["schema"]["openAPIV3Schema"]),
        }
        document["schema"]["properties"].pop("status", None)
        target = FOLDER / f"{definition['group']}-{kind.lower()}.json"
        target.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
