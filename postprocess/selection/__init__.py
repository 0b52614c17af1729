"""The method: from the codes of training data and pool to the numbers of the pool rows that make the result.

`select.py` calls the steps in this order:

    eligibility       pool rows that may be selected at all
    table_budget      tables that trimming and refinement match
    targets           the counts that these tables should have
    privacy_filter    leaves out rows too close to a training row (`nearest` measures the distances)
    ipf               weights of the eligible rows under which the bivariate tables are the target's
    rounding          an oversized subset chosen by these weights
    trimming          drops rows until n are left
    refinement        swaps selected rows for others

Trimming and refinement score rows by the `kernel`.
"""
