from django.apps import AppConfig


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        from ingestion import checks  # noqa: F401 - registers the system checks
        # Registers how what is kept of a meter is erased.
        from ingestion import erasers  # noqa: F401
