"""The two admin sites. Neither knows the other's models, and each is routed in one URLconf only.

Tried with Django's default site for both: a tenant's superuser listed all tenants and changed
another's domain.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.db.models import Model, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse_lazy


class OwnModelsSite(AdminSite):
    """An admin site that knows of no other models than those that are registered in it.

    Django's own speaks of every installed model: in the permissions that it offers, and where it
    leads from an object's number to its page.
    """

    def models(self) -> set[type[Model]]:
        """Return what can be edited here, by itself or on another's page."""
        inlines = (inline for admin in self._registry.values() for inline in admin.inlines)
        return {*self._registry, *(inline.model for inline in inlines)}

    def permissions(self) -> Q:
        """Return which permissions mean something here."""
        found = Q()
        for model in self.models():
            options = model._meta  # noqa: SLF001 - its documented name
            found |= Q(content_type__app_label=options.app_label) & Q(
                content_type__model=options.model_name
            )
        return found

    def get_urls(self) -> list[Any]:
        def wrapped(request: HttpRequest, **arguments: Any) -> HttpResponse:
            return self.admin_view(self.view_on_site)(request, **arguments)

        # Where the middleware sends those who have not signed in.
        wrapped.login_url = reverse_lazy("admin:login")  # type: ignore[attr-defined]
        return [
            path("r/<int:content_type_id>/<path:object_id>/", wrapped, name="view_on_site")
            if getattr(url, "name", None) == "view_on_site"
            else url
            for url in super().get_urls()
        ]

    def view_on_site(
        self, request: HttpRequest, content_type_id: int, object_id: str
    ) -> HttpResponse:
        """Lead from an object to its page; a model of another site has none here."""
        kind = ContentType.objects.filter(pk=content_type_id).first()
        if kind is None or kind.model_class() not in self._registry:
            raise Http404("There is no such model here.")
        return shortcut(request, content_type_id, object_id)


class OperatorsSite(OwnModelsSite):
    site_title = "Lastgang operators"
    site_header = "Lastgang operators"
    index_title = "Tenants of this installation"


class TenantSite(OwnModelsSite):
    site_title = "Lastgang settings"
    site_header = "Lastgang settings"
    index_title = "Meters, sources and people"


operators_site = OperatorsSite(name="admin")
tenant_site = TenantSite(name="admin")
