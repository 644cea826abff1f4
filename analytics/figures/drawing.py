"""A figure in the words of Plotly's scripts, put together as the plain lists and dicts that it is.

Plotly for Python looks at each of its values three times, which took more than half of a page. The
tests have it look at every figure that they see drawn (`tests/analytics/conftest.py`): it must take
them as they are.
"""

from typing import Any

Figure = dict[str, Any]


class Drawing:
    """What is shown, trace by trace, and the layout around it. What is None is left out."""

    def __init__(self) -> None:
        self.traces: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {}

    def add_scatter(self, **properties: Any) -> None:
        self._add("scatter", properties)

    def add_bar(self, **properties: Any) -> None:
        self._add("bar", properties)

    def add_heatmap(self, **properties: Any) -> None:
        self._add("heatmap", properties)

    def _add(self, kind: str, properties: dict[str, Any]) -> None:
        self.traces.append({**_given(properties), "type": kind})

    def update_layout(self, **properties: Any) -> None:
        self.layout |= _given(properties)

    def update_traces(self, *, name: str, **properties: Any) -> None:
        """Add properties to the traces of that name."""
        for trace in self.traces:
            if trace.get("name") == name:
                trace |= _given(properties)

    def as_json(self) -> Figure:
        return {"data": self.traces, "layout": self.layout}


def _given(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def as_json(figure: Drawing) -> Figure:
    """Return what is sent to the page."""
    return figure.as_json()
