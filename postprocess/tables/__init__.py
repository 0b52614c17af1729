"""Contingency tables of one, two and three columns: where their cells lie, their counts, how far two sets differ."""
