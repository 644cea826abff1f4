"""A meter's window, asked of its upstream in pieces that fit, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ingestion.batch import Batch, Rejection
from ingestion.client import Client
from ingestion.parsing import Asked, Parsed, parse, raw_text

# An answer that holds so large a part of `limit` leaves room for what is not expected.
FILL = 0.9


@dataclass
class Window:
    """The readings of one piece, from one page or several.

    Attributes
    ----------
    start, stop
        The piece ``[start, stop)`` [s].
    rows
        The rows of all its pages, for the raw text of what is refused.
    """

    start: int
    stop: int
    rows: list[Any] = field(default_factory=list)
    pages: list[Parsed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def batch(self) -> Batch:
        return Batch.concat([page.batch for page in self.pages], [p.rows for p in self.pages])

    def raw(self, row: int) -> str:
        """Return the raw text of one of its rows."""
        return raw_text(self.rows[row])

    @property
    def rejections(self) -> list[Rejection]:
        # A row that two overlapping pages hold is refused once.
        return list(dict.fromkeys(r for page in self.pages for r in page.rejections))


def windows(
    client: Client, asked: Asked, muid: UUID, start: int, stop: int, interval: int
) -> Iterator[Window]:
    """Ask for ``[start, stop)`` [s], whole where one answer holds it, else piece by piece.

    The pieces come oldest first, so that what is stored never has a hole behind it when the work is
    broken off; within a piece the pages come newest first, as the upstream serves them.

    Parameters
    ----------
    asked
        What answers may hold; its window is replaced by each piece's.
    interval
        How far apart the meter's readings are [s].
    """
    whole = Window(start, stop)
    answer = of_all = _ask(client, asked, whole, muid, stop)
    step = max(int((client.endpoint.limit - 1) * FILL), 1) * interval
    if not answer.is_full:
        yield whole
        return
    if stop - start <= step:
        _page_back(client, asked, whole, muid, answer)
        yield whole
        return
    for begin in range(start, stop, step):
        if of_all.newest is not None and begin > of_all.newest:
            # The whole window's newest row is older: a meter that fell silent long ago.
            return
        piece = Window(begin, min(begin + step, stop))
        answer = _ask(client, asked, piece, muid, piece.stop)
        # The last piece ends where the whole does, so its newest rows are the same anyway.
        is_same = piece.rows == whole.rows and piece.stop < stop
        if answer.is_full and answer.outside and is_same:
            # A file, or an API that does not know `stop`: asking on brings nothing else.
            if len(whole.rows) == client.endpoint.limit:
                whole.warnings.append(
                    f"The source ignores the window asked for, and its answer holds just the "
                    f"{client.endpoint.limit} rows of the limit: older readings may be missing."
                )
            yield whole
            return
        _page_back(client, asked, piece, muid, answer)
        yield piece


@dataclass(frozen=True, slots=True)
class _Answer:
    is_full: bool
    outside: int
    oldest: int | None
    # None where it can't be told: nothing inside, something refused, or the oldest come first.
    newest: int | None
    oldest_first: bool


def _ask(client: Client, asked: Asked, window: Window, muid: UUID, stop: int) -> _Answer:
    page = client.page(muid, window.start, stop)
    parsed = parse(page.rows, replace(asked, start=window.start, stop=stop))
    window.rows += page.rows
    window.pages.append(parsed)
    instants = parsed.batch.instants
    oldest_first = len(instants) > 1 and bool(instants[0] < instants[-1])
    is_told = len(instants) and not oldest_first and not parsed.rejections
    newest = int(instants.max()) if is_told else None
    return _Answer(page.is_full, parsed.outside, parsed.oldest, newest, oldest_first)


def _page_back(client: Client, asked: Asked, window: Window, muid: UUID, answer: _Answer) -> None:
    """Read a piece on, towards its start, until an answer is not full.

    Rows outside the window say nothing about the source: an API may count `stop` in, and a clock
    may be wrong. So it is asked on as long as the oldest row inside moves.
    """
    until = window.stop
    while answer.is_full:
        is_cut = window.pages[-1].rows == client.endpoint.limit
        if answer.oldest_first and is_cut:
            window.warnings.append(
                "The source serves its oldest readings first, so the newest ones of this window "
                "may be missing. Raise the source's limit."
            )
            return
        # Asked again from the oldest instant on, itself included: the page may have ended between
        # two rows of one instant.
        following = until if answer.oldest is None else answer.oldest + 1
        if following >= until:
            # Who sends more rows than the limit does not cut at it: nothing is missing.
            if is_cut:
                window.warnings.append(
                    "The source fills its limit over and over with the same rows; some readings "
                    "of this window may be missing. Raise the source's limit."
                )
            return
        until = following
        answer = _ask(client, asked, window, muid, until)
