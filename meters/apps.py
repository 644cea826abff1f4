from django.apps import AppConfig
from django.utils import translation

from meters.language import voice


class MetersConfig(AppConfig):
    name = "meters"

    def ready(self) -> None:
        # Pure modules speak the language of the request from now on, without knowing of one.
        voice.translate = translation.gettext
        voice.count = translation.ngettext
        voice.language = translation.get_language
