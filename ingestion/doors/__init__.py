"""Files that people and programs bring: read here, stored like everything else.

Nothing here knows Django. A file becomes a `Table`, a `Plan` says what its columns mean, and
`reading.read` makes of both what parsing makes of an upstream's answer: a batch and what was
refused.
"""
