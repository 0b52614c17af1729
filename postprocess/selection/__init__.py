"""The method: from the codes of training data and pool to the numbers of the pool rows that make the result.

`select.py` is the sequence of the steps, and `steps.py` runs each of them. The arithmetic has a module for each step,
in this order:

    eligibility       pool rows that may be selected at all
    table_budget      tables that trimming and refinement match
    targets           the counts that these tables should have
    privacy_filter    leaves out rows too close to a training row (`privacy.levels` finds them)
    ipf               weights of the eligible rows under which the bivariate tables are the target's
    rounding          an oversized subset chosen by these weights
    trimming          drops rows until n are left
    refinement        swaps selected rows for others
    fixed_shares      swaps until the shares that the user has asked for hold

Trimming and refinement score rows by the `kernel`. `context.py` holds what the steps share.
"""
