from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "notices"

    def ready(self) -> None:
        # How letters are erased registers itself.
        from notices import erasers  # noqa: F401
