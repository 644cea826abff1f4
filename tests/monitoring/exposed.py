"""What a process tells Prometheus, read as Prometheus reads it."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Values = dict[tuple[str, ...], float]


class Exposed:
    """Samples by name and labels."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self.samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    @classmethod
    def of(cls, collector: Collector) -> "Exposed":
        registry = CollectorRegistry()
        registry.register(collector)
        return cls(generate_latest(registry).decode())

    @property
    def names(self) -> set[str]:
        return {str(name) for name, *_ in self.samples}

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, *sorted(labels.items())))

    def labels(self, name: str, label: str) -> set[str]:
        """Return every value that a label of a metric has."""
        return {
            dict(labels)[label]  # type: ignore[arg-type]
            for known, *labels in self.samples
            if known == name and label in dict(labels)  # type: ignore[arg-type]
        }
