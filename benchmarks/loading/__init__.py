"""The product asked as a whole: an installation of its own, many tenants, processes that ask."""
