"""The six steps of the page Look inside."""
