"""Lengths at which a Fourier transform is quick."""


def fast_length(least: int) -> int:
    """Return the smallest length from `least` on that is a power of two, or 3 or 5 times one."""
    length = 1 << max(least - 1, 0).bit_length()
    return min(
        (n for n in (length, length * 3 // 4, length * 5 // 8) if n >= least), default=length
    )
