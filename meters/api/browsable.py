"""The API in a browser: answers as pages, and a form of raw JSON for what an account may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request, override_method

from meters.api.renderers import OrjsonRenderer

METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Sending:
    """A form that sends one method.

    Attributes
    ----------
    body
        JSON to begin with; None where nothing is said.
    """

    method: str
    body: str | None

    @property
    def rows(self) -> int:
        return min(max((self.body or "").count("\n") + 2, 4), 24)


class BrowsableRenderer(BrowsableAPIRenderer):
    """The framework's, without its own forms: those it would make are of form fields."""

    # Of a change, what an answer holds is begun with; else a body that works.
    methods_of_change: ClassVar[frozenset[str]] = frozenset({"PUT", "PATCH"})

    def get_raw_data_form(self, *args: Any) -> None:
        return None

    def get_rendered_html_form(self, *args: Any) -> None:
        return None

    def get_filter_form(self, *args: Any) -> None:
        return None

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context)
        view, request = renderer_context["view"], renderer_context["request"]
        context["forms"] = [
            Sending(method, self._begun(view, method, data))
            for method in METHODS
            if self._may(view, method, request)
        ]
        return context

    def _may(self, view: Any, method: str, request: Request) -> bool:
        with override_method(view, request, method) as asked:
            return bool(self.show_form_for_method(view, method, asked, None))

    def _begun(self, view: Any, method: str, data: Any) -> str | None:
        if method == "DELETE":
            return None
        # A `Body`: named here it would be imported while the framework still is.
        kind = getattr(view, "bodies", {}).get(method)
        body = dict(kind.EXAMPLE) if kind else getattr(view, "example_bodies", {}).get(method, {})
        if kind and method in self.methods_of_change and isinstance(data, dict):
            fields = kind().fields.keys() - kind.SECRET
            body = {name: data[name] for name in body if name in fields and name in data} or body
        return OrjsonRenderer().render(body, None, {"indent": 2}).decode()
