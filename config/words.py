"""What the pages' scripts say, in the reader's language."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _


def words(_request: HttpRequest) -> dict[str, Any]:
    """Give every page what its scripts may have to say; `templates/components/words.html` asks."""
    return {"words": said_by_scripts}


def said_by_scripts() -> dict[str, str]:
    """Give what scripts may have to say, by the names that they use."""
    return {
        "copied": _("Copied"),
        "selected": _("Selected"),
        "signedOut": _("You may have been signed out. Reload the page to sign in again."),
        "gone": _("It is no longer there. Go back and open it again."),
        "serverError": _(
            "The server could not answer. Stored readings are safe. Try again in a moment."
        ),
        "offline": _("There is no connection. Check the network and try again."),
        "tooSlow": _("The answer took too long. Try a shorter range."),
        "notDrawn": _(
            "This chart could not be drawn. The readings are safe; reload the page to try again."
        ),
        "saveAsSvg": _("Save as SVG"),
        "wholeRange": _("Whole range"),
        "zoomIn": _("Zoom in"),
        "zoomOut": _("Zoom out"),
    }
