"""How near rows come to single real rows, and what a result gives away about those that it was made from."""
