"""What every document and every overlay is held against."""

import jsonschema
import kubernetes_validate

from tests.deployment import product
from tests.deployment.crds import schemas
from tests.deployment.network import unreachable
from tests.deployment.references import faults
from tests.deployment.rendering import Document

KUBERNETES = "1.37"


def validate(document: Document) -> None:
    """Hold a document against its schema; an unknown field or kind is an error."""
    if schema := schemas().get((document["apiVersion"], document["kind"])):
        rest = {k: v for k, v in document.items() if k not in {"apiVersion", "kind"}}
        given = {"apiVersion": document["apiVersion"], "kind": document["kind"], **rest}
        jsonschema.Draft7Validator(schema).validate(given)
    else:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def found(documents: list[Document]) -> list[str]:
    known = product.read_by_settings() | product.OF_THE_COMMAND
    told = faults(documents, known, product.required())
    # Where a name is wrong, nothing is known of who may speak with whom.
    return told or list(unreachable(documents))
