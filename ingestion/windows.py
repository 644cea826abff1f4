"""A meter's window, asked of its upstream in pieces that fit, oldest first."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ingestion.batch import Batch, Rejection
from ingestion.client import Client
from ingestion.parsing import Asked, Parsed, parse, raw_text

# An answer that holds so large a part of `limit` leaves room for what is not expected.
FILL = 0.9
# Pieces that come within so many seconds are stored together, until they have so many rows:
# of what storing one costs, half is the same for many readings as for few.
PATIENCE, PORTION = 0.25, 20_000
# So few rows are no sign of a limit of the source's own.
FEWEST = 10
IGNORES_WINDOW = (
    "The source ignores the window asked for, and its answer holds just the {} rows of the limit: "
    "older readings may be missing."
)
STRAYS = (
    "The source sent readings from outside the window asked for, which were left aside: it ignores "
    "start or stop, or a clock is wrong."
)


@dataclass
class Window:
    """The readings of one piece, from one page or several.

    Attributes
    ----------
    start, stop
        The piece ``[start, stop)`` [s].
    answers
        The rows of each page, for the raw text of what is refused.
    """

    start: int
    stop: int
    answers: list[Sequence[Any]] = field(default_factory=list)
    pages: list[Parsed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def batch(self) -> Batch:
        return Batch.concat([page.batch for page in self.pages], [p.rows for p in self.pages])

    @property
    def rows(self) -> list[Any]:
        """The rows of all its pages."""
        return [row for rows in self.answers for row in rows]

    def raw(self, row: int) -> str:
        """Return the raw text of one of its rows."""
        for rows in self.answers:
            if row < len(rows):
                return raw_text(rows[row])
            row -= len(rows)
        raise IndexError(row)

    def followed_by(self, piece: "Window") -> "Window":
        """Join it with the piece behind it; what is newer stands first, as in an answer."""
        return Window(
            self.start,
            piece.stop,
            [*piece.answers, *self.answers],
            [*piece.pages, *self.pages],
            list(dict.fromkeys([*self.warnings, *piece.warnings])),
        )

    @property
    def has_strays(self) -> bool:
        """Whether readings from outside the window came along."""
        return any(page.before or page.after for page in self.pages)

    @property
    def rejections(self) -> list[Rejection]:
        # A row that two overlapping pages hold is refused once.
        return list(dict.fromkeys(r for page in self.pages for r in page.rejections))


def windows(
    client: Client, asked: Asked, muid: UUID, start: int, stop: int, interval: int
) -> Iterator[Window]:
    """Ask for ``[start, stop)`` [s], whole where one answer holds it, else piece by piece.

    The pieces come oldest first, so that what is stored never has a hole behind it when the work is
    broken off; within a piece the pages come newest first, as the upstream serves them. The first
    answer holds the newest rows of all, so the last piece is most often not asked for again.

    Parameters
    ----------
    asked
        What answers may hold; its window is replaced by each piece's.
    interval
        How far apart the meter's readings are [s].
    """
    whole = Window(start, stop)
    limit = client.endpoint.limit
    answer = of_all = _ask(client, asked, whole, muid, stop, limit)
    if not answer.is_full:
        limit = _own_limit(client, asked, whole, muid, answer, interval)
        if not limit:
            yield whole
            return
        answer = of_all = replace(answer, is_full=True)
    step = max(int((limit - 1) * FILL), 1) * interval
    if stop - start <= step:
        _page_back(client, asked, whole, muid, answer, limit)
        yield whole
        return
    for begin in range(start, stop, step):
        if of_all.newest is not None and begin > of_all.newest:
            # The whole window's newest row is older: a meter that fell silent long ago.
            return
        piece = Window(begin, min(begin + step, stop), warnings=whole.warnings[:])
        if piece.stop == stop and _reaches(whole.pages[0], begin):
            _take_over(asked, piece, whole)
            yield piece
            return
        answer = _ask(client, asked, piece, muid, piece.stop, limit)
        # The last piece ends where the whole does, so its newest rows are the same anyway; and so
        # are those of a piece at whose end, counted in by the source, the meter fell silent.
        may_be_same = answer.is_full and (answer.before or answer.after) and piece.stop < stop
        if may_be_same and piece.rows == whole.rows:
            # A file, or an API that does not know `stop`: asking on brings nothing else.
            if sum(map(len, whole.answers)) == limit:
                whole.warnings.append(IGNORES_WINDOW.format(limit))
            yield whole
            return
        _page_back(client, asked, piece, muid, answer, limit)
        yield piece


def _reaches(page: Parsed, begin: int) -> bool:
    """Whether a page holds all that there is from an instant on [s]: it goes back past it."""
    instants = page.batch.instants
    if page.rejections or not len(instants) or instants[-1] >= begin:
        return False
    return bool((instants[1:] <= instants[:-1]).all())


def _take_over(asked: Asked, piece: Window, whole: Window) -> None:
    """Read the last piece in the answer that was meant for the whole window: its newest rows."""
    first = whole.pages[0]
    part = parse(whole.answers[0], replace(asked, start=piece.start, stop=piece.stop))
    piece.answers.append(whole.answers[0])
    # What lies before the piece was asked for; what is outside of the whole window was not.
    told = replace(part, outside=first.outside, before=first.before, after=first.after)
    piece.pages.append(told)


def portions(pieces: Iterator[Window], patience: float = PATIENCE) -> Iterator[Window]:
    """Join pieces that come quickly after one another; what fails comes after all before it.

    Parameters
    ----------
    patience
        How long the first of them waits for others [s].
    """
    held: Window | None = None
    since = time.monotonic()
    try:
        for piece in pieces:
            held = held.followed_by(piece) if held else piece
            rows = sum(map(len, held.answers))
            if rows >= PORTION or time.monotonic() - since >= patience:
                yield held
                held, since = None, time.monotonic()
    except Exception:
        if held:
            yield held
        raise
    if held:
        yield held


@dataclass(frozen=True, slots=True)
class _Answer:
    is_full: bool
    oldest: int | None
    # None where it can't be told: nothing inside, something refused, or the oldest come first.
    newest: int | None
    oldest_first: bool
    # How many lie before the window, and how many behind its end.
    before: int
    after: int


def _ask(
    client: Client, asked: Asked, window: Window, muid: UUID, stop: int, limit: int
) -> _Answer:
    page = client.page(muid, window.start, stop)
    parsed = parse(page.rows, replace(asked, start=window.start, stop=stop))
    window.answers.append(page.rows)
    window.pages.append(parsed)
    instants = parsed.batch.instants
    oldest_first = len(instants) > 1 and bool(instants[0] < instants[-1])
    is_told = len(instants) and not oldest_first and not parsed.rejections
    newest = int(instants.max()) if is_told else None
    is_full = page.is_full or len(page.rows) >= limit
    return _Answer(is_full, parsed.oldest, newest, oldest_first, parsed.before, parsed.after)


def _own_limit(
    client: Client, asked: Asked, window: Window, muid: UUID, answer: _Answer, interval: int
) -> int:
    """Find out whether a source cuts its answers earlier than it was asked to.

    An answer that is not full, but begins later than the window, may be cut at a limit that is the
    source's own. So what is older is asked for once; where there is such, the source is read on
    with its own limit.

    Returns
    -------
    That limit, 0 where there is none.
    """
    limit = window.pages[0].rows
    oldest = answer.oldest
    if limit < FEWEST or oldest is None or answer.oldest_first or answer.before:
        return 0
    if oldest < window.start + interval:
        return 0
    older = _ask(client, asked, window, muid, oldest, limit)
    if older.oldest is None or older.oldest >= oldest:
        return 0
    window.warnings.append(
        f"The source serves no more than {limit:,} rows at once, though {client.endpoint.limit:,} "
        f"were asked for. Set the source's limit to {limit}."
    )
    return limit


def _page_back(
    client: Client, asked: Asked, window: Window, muid: UUID, answer: _Answer, limit: int
) -> None:
    """Read a piece on, towards its start, until an answer is not full.

    Rows outside the window say nothing about the source: an API may count `stop` in, and a clock
    may be wrong. So it is asked on as long as the oldest row inside moves.
    """
    until = window.stop
    while answer.is_full:
        is_cut = window.pages[-1].rows == limit
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
            # Who sends more rows than the limit does not cut at it: nothing is missing. Nor is it
            # where the page goes on with what is older than the window.
            if is_cut and answer.after:
                window.warnings.append(IGNORES_WINDOW.format(limit))
            elif is_cut and not (answer.before and answer.oldest is not None):
                window.warnings.append(
                    "The source fills its limit over and over with the same rows; some readings "
                    "of this window may be missing. Raise the source's limit."
                )
            return
        until = following
        answer = _ask(client, asked, window, muid, until, limit)
