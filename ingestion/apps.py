from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        from ingestion.lost_secrets import lost_secrets
        from tenants.restoring import restored

        restored.connect(lost_secrets)
        # The system checks, how what is kept of a meter is erased, and what the API tells of a
        # meter's source register themselves.
        from ingestion import checks, erasers, meter_sources  # noqa: F401
