"""Where pages are reached from outside, for what leaves the product: mails, and links in them."""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def public_address(host: str) -> str:
    """Return where a host's pages begin, without a slash at the end."""
    scheme, usual = ("https", 443) if settings.HTTPS else ("http", 80)
    port = settings.PUBLIC_PORT or usual
    return f"{scheme}://{host}" + (f":{port}" if port != usual else "")


def asked_address(request: HttpRequest) -> str:
    """Return where the pages begin that a request asks, safe to be sent to somebody else.

    The host is a tenant's, or nobody would have answered; its port is whatever the request says,
    and so may lead to another server there. Ours counts.
    """
    host, _port = split_domain_port(request.get_host())
    return public_address(host)
