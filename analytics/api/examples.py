"""What the documentation shows of the analysis: an answer as it really comes."""

from drf_spectacular.utils import OpenApiExample

from meters.api import examples

ONE = OpenApiExample(
    "Key figures and groups",
    summary="include=figures,groups&group=day_type of February 2023",
    value={
        "meter": examples.MUID,
        "timezone": "Europe/Zurich",
        "start": "2023-02-01T00:00:00+01:00",
        "end": "2023-03-01T00:00:00+01:00",
        "register": "1-0:1.29.0*255",
        "direction": "import",
        "interval": 900,
        "figures": {
            "energy": 97.5612,
            "mean_power": 0.145396721,
            "base_load": 0.0464,
            "load_factor": 0.037816459,
            "full_load_hours": 25.374843945,
            "night_share": 0.357500728,
            "night_time": 0.332339791,
            "weekday_ratio": 0.905212937,
            "zero_share": 0.0,
            "peak": {"power": 3.8448, "start": "2023-02-20T16:00:00+01:00"},
            "annual": {
                "energy": 1285.844595238,
                "low": 1153.612962806,
                "high": 1418.07622767,
                "is_measured": False,
                "weeks": 3,
                "unseen": ["Mar–May", "Jun–Aug", "Sep–Nov"],
            },
        },
        "groups": [
            {
                "by": "day_type",
                "labels": ["Weekday", "Saturday", "Sunday or holiday"],
                "power": {
                    "mean": [0.141167015, 0.149520833, 0.162377083],
                    "median": [0.0472, 0.0472, 0.0472],
                    "low": [0.0464, 0.0464, 0.0464],
                    "high": [0.2532, 0.27872, 0.27524],
                    "count": [1916, 384, 384],
                },
                "energy": {
                    "mean": [3.462584211, 3.5885, 3.89705],
                    "median": [3.649, 3.6668, 3.91405],
                    "low": [2.30876, 3.09684, 3.48546],
                    "high": [4.47036, 4.01752, 4.29504],
                    "count": [19, 4, 4],
                },
            }
        ],
    },
    response_only=True,
)
