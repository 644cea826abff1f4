#!/usr/bin/env python
"""Lastgang's command line."""

import os
import sys

from config.embedded import lease_for_environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A development machine without DATABASE_URL or REDIS_URL gets the servers that come with pip,
    # for as long as this process lives; with LASTGANG_ENV=production this does nothing.
    lease_for_environment(os.environ)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
