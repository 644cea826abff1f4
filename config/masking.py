"""What of the settings may be shown: in a printed list of them, or on a page of a failure."""

import re
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

# Between scheme and host of an address stands who asks, and the password.
ACCOUNT = re.compile(r"(?<=://)[^/?#\s]*@")
SHOWN = "…@"


class Masking(SafeExceptionReporterFilter):
    """Django's own, which goes by the names of settings, and accounts in addresses as well.

    Those of PostgreSQL, Redis, the mail server and a proxy may hold a password, under whatever name
    a library keeps them.
    """

    def cleanse_setting(self, key: str | int, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return ACCOUNT.sub(SHOWN, str(cleansed)) if isinstance(cleansed, str) else cleansed
