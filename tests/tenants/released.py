"""Where a release ends: of each app the last migration that it came with.

A release gets its entry in the commit that names it in CHANGELOG.md. From then on its migrations
are history: `tests.tenants.overlap` looks at those that come after the last entry's, and has the
models as they were at it work on the tables as they are now. While there is no release, the first
migration of each app stands for it.
"""

# For example {"0.1.0": {"accounts": "0005_people", …}}, the latest release last.
RELEASES: dict[str, dict[str, str]] = {}
