"""`manage.py diffsettings`: Django's own, but that it prints no secret."""

from types import ModuleType
from typing import Any

from django.core.management.commands import diffsettings

from config.masking import Masking


def shown(module: ModuleType) -> dict[str, str]:
    """List a module's settings as they may be shown."""
    masking = Masking()
    return {
        name: repr(masking.cleanse_setting(name, getattr(module, name)))
        for name in dir(module)
        if name.isupper() and not name.startswith("_")
    }


class Command(diffsettings.Command):
    help = "Displays how the settings differ from Django's defaults; what is secret is masked."

    def handle(self, **options: Any) -> Any:
        # The library reads settings by this name of its module, for both sides of the comparison.
        library = diffsettings.module_to_dict
        diffsettings.module_to_dict = shown  # type: ignore[assignment]
        try:
            return super().handle(**options)
        finally:
            diffsettings.module_to_dict = library
