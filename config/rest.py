"""What Django REST Framework and drf-spectacular are told: how the API answers and says so."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.permissions.HasScope",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "meters.api.renderers.OrjsonRenderer",
        "meters.api.browsable.BrowsableRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["meters.api.parsers.JsonParser"],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "meters.api.pagination.Pages",
    "PAGE_SIZE": 100,
    "DEFAULT_SCHEMA_CLASS": "meters.api.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "meters.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Lastgang API",
    "DESCRIPTION": "Interval data of smart meters: meters, registers and their readings.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Runs, gaps, sources and meters have states of their own.
    "ENUM_NAME_OVERRIDES": {
        "RunStateEnum": "ingestion.models.Run.State",
        "GapStateEnum": "ingestion.gap_record.Gap.State",
        "SourceStateEnum": "ingestion.api.sources_serializers.STATES",
        "MeterStateEnum": "meters.api.serializers.STATES",
        "StatisticEnum": "meters.api.words.STATISTICS",
        "AddedUpEnum": "meters.api.words.ADDED_UP",
        "QualityEnum": "meters.api.words.QUALITIES",
        "ReplacedQualityEnum": "meters.api.words.QUALITIES_OR_MISSING",
        "AnomalyKindEnum": "analytics.api.serializers.ODD",
        "MeterKindEnum": "analytics.api.serializers.KINDS",
    },
}
