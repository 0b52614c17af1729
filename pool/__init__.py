"""The pool: generators trained cycle after cycle on the training data, and the synthetic rows sampled from them."""
