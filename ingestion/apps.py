from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        # The system checks, and how what is kept of a meter is erased, register themselves.
        from ingestion import checks, erasers  # noqa: F401
