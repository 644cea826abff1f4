"""PostgreSQL and Redis for a machine that has neither, from the wheels that pip installed.

Each server lives in a folder of its own inside one *home* and runs for as long as somebody uses
it. Who uses a server holds a *lease*: a shared lock on `users.lock`, which the kernel takes back
however the holder ends. A *keeper*, one detached process per server, starts it, revives it when it
dies, and stops it and goes when nobody has held a lease for two seconds.

What every file in a server's folder is for:

========================  =======================================================================
`users.lock`              shared by everyone with a lease; the keeper takes it whole before it goes
`start.lock`              one starter at a time
`keeper.lock`             held by the keeper for its life, with its process id written in it
`server.lock`             inherited by the server and all its children: free means all are gone
`state.json`              process id and port, there only while the server answers
`port`                    the port of last time, asked for again
`server.log`              what the server says; `keeper.log` what its keeper says
`data/`                   the data
`place`                   for root: the folder that holds `data/` where the home is closed to others
========================  =======================================================================

Locks and not process ids decide what is alive: a process id may have been given to another since.
Nothing here imports Django, so that settings can be read after the servers are known.
"""

from config.embedded.development import (
    default_home,
    development_environment,
    lease_for_environment,
)
from config.embedded.files import EmbeddedError
from config.embedded.lease import Embedded, Lease, ServerStatus

__all__ = [
    "Embedded",
    "EmbeddedError",
    "Lease",
    "ServerStatus",
    "default_home",
    "development_environment",
    "lease_for_environment",
]
