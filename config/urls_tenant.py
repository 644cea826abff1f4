"""What a tenant's domain answers."""

from django.urls import include, path

urlpatterns = [
    path("", include("analytics.urls")),
    path("", include("accounts.urls")),
    path("ingestion/", include("ingestion.urls")),
    path("ingestion/", include("ingestion.record_urls")),
    path("notices/", include("notices.urls")),
    path("api/v1/", include("analytics.api.urls")),
    path("api/v1/", include("ingestion.api.readings_urls")),
    path("api/v1/", include("ingestion.api.record_urls")),
    path("api/v1/", include("ingestion.api.runs_urls")),
    path("api/", include("meters.api.urls")),
    path("meterdata/", include("meters.api.measurement_urls")),
    path("admin/", include("accounts.urls_admin_tenant")),
]

handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
