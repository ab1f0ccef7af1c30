"""Measurements: `make bench`. Each runs both sides in one go and prints ratios or differences."""
