"""The two admin sites. Neither knows the other's models, and each is routed in one URLconf only.

Tried with Django's default site for both: a tenant's superuser listed all tenants and changed
another's domain.
"""

from django.contrib.admin import AdminSite


class OperatorsSite(AdminSite):
    site_title = "Lastgang operators"
    site_header = "Lastgang operators"
    index_title = "Tenants of this installation"


class TenantSite(AdminSite):
    site_title = "Lastgang settings"
    site_header = "Lastgang settings"
    index_title = "Meters, sources and people"


operators_site = OperatorsSite(name="admin")
tenant_site = TenantSite(name="admin")
