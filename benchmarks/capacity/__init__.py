"""What an installation of any size needs: measured at small sizes, fitted, predicted, checked.

`python -m benchmarks capacity` prints the tables from what was measured last
(`benchmarks/capacity/measured.json`); every assumption can be changed by an option. `python -m
benchmarks capacity measure` measures anew, and `check` holds predictions against two sizes that are
larger than any that was fitted.
"""
