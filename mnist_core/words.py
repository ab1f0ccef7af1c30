"""Numbers in words for people."""


def percent(share: float) -> str:
    """A share 0-1 as a percentage, never rounded up to certainty nor down to impossibility.

    >>> percent(0.9234), percent(0.9999), percent(0.00001), percent(0.003)
    ('92 %', '>99.9 %', '<0.1 %', '0.3 %')
    """
    value = 100 * share
    if value > 99.9:
        return ">99.9 %"
    if value < 0.1:
        return "<0.1 %"
    if value >= 99 or value < 1:
        return f"{value:.1f} %"
    return f"{value:.0f} %"


def accuracy(share: float | None) -> str:
    """A measured share 0-1 as a percentage with two decimals; a dash where nothing was measured.

    >>> accuracy(0.9912), accuracy(1.0), accuracy(None)
    ('99.12 %', '100.00 %', '–')
    """
    return "–" if share is None else f"{100 * share:.2f} %"


def signed(value: float, decimals: int) -> str:
    """A number with so many decimals and a true minus sign, but none before zero.

    >>> signed(-1.25, 1), signed(-0.001, 2), signed(3, 2)
    ('−1.2', '0.00', '3.00')
    """
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def duration(seconds: float) -> str:
    """A time to wait, as roughly as people say it.

    >>> duration(4.2), duration(74), duration(1500), duration(9000)
    ('4 s', '1 min 15 s', '25 min', '2 h 30 min')
    """
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    if seconds < 300:
        minutes, rest = divmod(5 * round(seconds / 5), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if seconds < 3570:
        return f"{round(seconds / 60)} min"
    hours, minutes = divmod(10 * round(seconds / 600), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def downloaded(done: int, total: int | None) -> str:
    """How far the download of MNIST is, in bytes; the total is None while nobody knows it.

    >>> downloaded(3_140_000, 11_600_000), downloaded(3_140_000, None)
    ('Downloading MNIST: 3.1 of 11.6 MB', 'Downloading MNIST: 3.1 MB')
    """
    of_total = f" of {total / 1e6:.1f}" if total else ""
    return f"Downloading MNIST: {done / 1e6:.1f}{of_total} MB"


def plural(count: int, what: str) -> str:
    """A number of things.

    >>> plural(1, "digit"), plural(60000, "digit")
    ('1 digit', '60,000 digits')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def a(digit: int) -> str:
    """A digit with its article.

    >>> a(8), a(1)
    ('an 8', 'a 1')
    """
    return f"{'an' if digit == 8 else 'a'} {digit}"
