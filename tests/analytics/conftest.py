"""Every figure that these tests see drawn is one that Plotly for Python takes as it is."""

from typing import Any

import plotly.graph_objects as go
import pytest

from analytics.figures.drawing import Drawing, Figure


def looked_at(found: Figure) -> Any:
    """Have Plotly check each name and value, and return the figure as it would write it."""
    figure = go.Figure(data=found["data"], layout=found["layout"]).to_plotly_json()
    figure["layout"].pop("template", None)
    return figure


@pytest.fixture(autouse=True)
def figures_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Drawing.as_json

    def checked(self: Drawing) -> Figure:
        found = made(self)
        assert looked_at(found) == found
        return found

    monkeypatch.setattr(Drawing, "as_json", checked)
