from collections.abc import Sequence
from typing import Any

from django.core.paginator import InvalidPage
from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from meters.api.problems import InvalidQuery, ParameterError


class Pages(PageNumberPagination):
    """Numbered pages; `page_size` up to 1,000."""

    page_size_query_param = "page_size"
    page_query_description = "Number of the page, from 1."
    page_size_query_description = "How many to a page: 100 by default, 1,000 at most."
    max_page_size = 1000

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        # The framework forgets that these always come, null at either end.
        return page | {"required": list(page["properties"])}

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: Any = None
    ) -> list[Any] | None:
        self.request = request
        size = self.get_page_size(request) or self.max_page_size
        paginator = self.django_paginator_class(queryset, size)
        number = request.query_params.get(self.page_query_param) or "1"
        try:
            self.page = paginator.page(number)
        except InvalidPage:
            last = paginator.num_pages
            words = f"There is no page {number[:40]}; the last one is {last}."
            raise InvalidQuery(
                [ParameterError(self.page_query_param, number, words, str(last))]
            ) from None
        # Shown by the browsable API.
        self.display_page_controls = paginator.num_pages > 1
        return list(self.page)
