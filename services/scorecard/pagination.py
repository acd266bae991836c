"""Pagination of the lists that grow: runs, and changes of a score."""

from __future__ import annotations

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """`?page=` and `?page_size=`; a larger size than the cap gets the cap."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
