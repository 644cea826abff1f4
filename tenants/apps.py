from importlib import import_module

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from tenants import checks  # noqa: F401 - registers the system checks
        from tenants.contenttypes import remember_by_schema

        remember_by_schema()
        # Shared tasks belong to our queue in every process, also in one that only sends.
        import_module("config.celery")
