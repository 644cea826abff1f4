from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.urls import include, path
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.routers import DefaultRouter

from meters.api.coverage import CoverageView
from meters.api.latest import LatestView, MeterLatestView
from meters.api.negotiation import Negotiation
from meters.api.register_views import RegisterViewSet
from meters.api.site_views import SiteViewSet
from meters.api.tokens import BrowserTokenView
from meters.api.totals import TotalsView
from meters.api.views import MeterViewSet, RootView

# What that one page may have inline, beside nothing: a <style> that is empty, whose rules a script
# then adds one by one, and the text of a style that Redoc's bundle brings (of its scroll bars).
REDOC_STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
]


class Router(DefaultRouter):
    # One address for each thing: the format is asked for by Accept or by `format`.
    include_format_suffixes = False
    APIRootView = RootView


router = Router(use_regex_path=False)
router.register("meters", MeterViewSet, basename="meter")
router.register("sites", SiteViewSet, basename="site")
router.register("registers", RegisterViewSet, basename="register")

app_name = "api"
urlpatterns = [
    path("v1/meters/<uuid:muid>/latest/", MeterLatestView.as_view(), name="meter-latest"),
    path("v1/meters/<uuid:muid>/coverage/", CoverageView.as_view(), name="meter-coverage"),
    path("v1/meters/<uuid:muid>/totals/", TotalsView.as_view(), name="meter-totals"),
    path("v1/latest/", LatestView.as_view(), name="latest"),
    path("v1/", include(router.urls)),
    path("v1/tokens/browser/", BrowserTokenView.as_view(), name="browser-token"),
    path(
        "v1/schema/",
        SpectacularAPIView.as_view(content_negotiation_class=Negotiation),
        name="schema",
    ),
    # Pages for people: who is not signed in is led there, not told off.
    path(
        "docs/",
        login_required(SpectacularSwaggerSplitView.as_view(url_name="api:schema")),
        name="docs",
    ),
    path(
        "docs/reference/",
        login_required(
            csp_update({"style-src": REDOC_STYLES})(
                SpectacularRedocView.as_view(url_name="api:schema")
            )
        ),
        name="reference",
    ),
]
