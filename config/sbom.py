"""What the product is made of, as a CycloneDX document: `make sbom`.

Python packages are found by walking what `requirements.txt` asks for through what is installed, so
tools of development are not among them. Files that others wrote and that browsers get stand in
`vendored.json`, with versions, licences and digests: ours in `static/`, and those that come inside
packages. The same environment gives the same document.

References
----------
CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/; SPDX licence expressions; package URLs.
"""

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
VENDORED = Path(__file__).with_name("vendored.json")
# Licences that go with the product's own (Apache-2.0). Those of weak copyleft (LGPL, MPL) bind the
# package alone, which is used as it comes.
COMPATIBLE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("OFL-1.1", "PSF-2.0", "Zlib", "LGPL-3.0-only", "MPL-2.0"),
}
# What a package says in words of its own; SPDX has it as written here.
SPOKEN = {
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package and which others it asks for.

    Attributes
    ----------
    licence
        An SPDX expression.
    """

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(path: Path = ROOT / "requirements.txt") -> dict[str, Package]:
    """Find everything that a list of requirements pulls in, by name.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        The environment lacks one of them.
    """
    found: dict[str, Package] = {}
    waiting = [(one, frozenset(one.extras)) for one in requirements(path)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        asked, extras = waiting.pop()
        name = canonicalize_name(asked.name)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        installed = distribution(asked.name)
        needs = list(_needs(installed, extras))
        waiting += [(one, frozenset(one.extras)) for one in needs]
        before = found[name].needs if name in found else ()
        all_needs = {*before, *(canonicalize_name(one.name) for one in needs)}
        found[name] = Package(
            name, installed.version, licence_of(installed), tuple(sorted(all_needs))
        )
    return dict(sorted(found.items()))


def requirements(path: Path) -> Iterator[Requirement]:
    """Read a list of requirements; remarks and references to other lists are no part of it."""
    for line in path.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text and not text.startswith("-"):
            yield Requirement(text)


def _needs(installed: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in installed.requires or ():
        one = Requirement(text)
        if one.marker is None or any(
            one.marker.evaluate({"extra": extra}) for extra in (*extras, "")
        ):
            yield one


def licence_of(installed: Distribution) -> str:
    """Say under which licence a package is, in SPDX's words; NOASSERTION where it is silent."""
    told = installed.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    spoken = [
        SPOKEN[words]
        for line in told.get_all("Classifier") or ()
        if (words := line.rpartition(" :: ")[2]) in SPOKEN
    ]
    own = told["License"].strip() if "License" in told else ""
    own = SPOKEN.get(own, own)
    known = own in COMPATIBLE or own in SPOKEN.values()
    return " OR ".join(dict.fromkeys(spoken)) or (own if known else "NOASSERTION")


def vendored() -> list[dict[str, Any]]:
    """List what others wrote and browsers get."""
    found: list[dict[str, Any]] = json.loads(VENDORED.read_text())
    return found


def digest(place: str) -> str:
    """Work out the SHA-256 of a file: ``static/…`` of ours, ``package:path`` of a package's."""
    package, _, inside = place.rpartition(":")
    path = files(package) / inside if package else ROOT / place
    return hashlib.sha256(path.read_bytes()).hexdigest()


def document() -> dict[str, Any]:
    """Write the whole as CycloneDX 1.6."""
    there, version = packages(), release()
    own = f"pkg:generic/lastgang@{version}"
    components = [_of_package(one) for one in there.values()]
    components += [_of_files(one) for one in vendored()]
    direct = [there[canonicalize_name(one.name)] for one in requirements(ROOT / "requirements.txt")]
    dependencies = [{"ref": own, "dependsOn": sorted(one.purl for one in direct)}]
    dependencies += [
        {"ref": one.purl, "dependsOn": sorted(there[name].purl for name in one.needs)}
        for one in there.values()
    ]
    body = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "lastgang",
                "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": components,
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}"}
    return {**head, "version": 1, **body}


def release() -> str:
    """Read which release this is, without the environment that the settings want."""
    text = (ROOT / "config" / "settings.py").read_text()
    found = re.search(r'^VERSION = "(.+)"$', text, re.MULTILINE)
    assert found
    return found[1]


def _of_package(one: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "licenses": [{"expression": one.licence}],
    }


def _of_files(one: dict[str, Any]) -> dict[str, Any]:
    named = {"purl": one["purl"]} if "purl" in one else {}
    inside = [
        {"type": "file", "name": place, "hashes": [{"alg": "SHA-256", "content": content}]}
        for place, content in one["files"].items()
    ]
    return {
        "type": "library",
        "bom-ref": one.get("purl", one["name"]),
        "name": one["name"],
        "version": one["version"],
        "licenses": [{"expression": one["licence"]}],
        **named,
        "components": inside,
    }


def main(path: str = "build/sbom.cdx.json") -> None:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = document()
    target.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n")
    print(f"{target}: {len(made['components'])} components.")  # noqa: T201 - a command


if __name__ == "__main__":
    main(*sys.argv[1:])
