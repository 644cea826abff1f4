"""The operators' admin: tenants and domains. It is routed on the bare domain alone."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.sites import operators_site
from tenants.models import Domain, Tenant


class DomainInline(admin.TabularInline[Domain, Tenant]):
    model = Domain
    extra = 0


@admin.register(Tenant, site=operators_site)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    """Tenants are made by `create_tenant`, which also makes their first sign-in."""

    list_display = ["name", "schema_name", "address", "timezone", "language", "created_at"]
    search_fields = ["name", "schema_name", "domains__domain"]
    readonly_fields = ["schema_name", "epoch", "created_at"]
    inlines = [DomainInline]

    @admin.display(description="Address")
    def address(self, tenant: Tenant) -> str:
        domain = tenant.get_primary_domain()
        return domain.domain if domain else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        # Deleting a row would leave its schema behind, nameless and full.
        return False


@admin.register(Domain, site=operators_site)
class DomainAdmin(admin.ModelAdmin[Domain]):
    list_display = ["domain", "tenant_link", "is_primary"]
    search_fields = ["domain", "tenant__name"]
    list_select_related = ["tenant"]

    @admin.display(description="Tenant")
    def tenant_link(self, domain: Domain) -> str:
        url = reverse("admin:tenants_tenant_change", args=[domain.tenant_id])
        return format_html('<a href="{}">{}</a>', url, domain.tenant)
