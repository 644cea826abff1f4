"""What the product costs, as ratios against a baseline in the same run: `make bench`.

These machines are shared and noisy, so both sides take turns, the median of many turns counts, and
what is reported is how many times faster one is than the other; absolute rates are given for
orientation.
"""
