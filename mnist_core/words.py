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
