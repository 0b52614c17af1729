"""Reports on a run, beside its result: summary.json for programs, and one page for people, made from that summary.

`python -m postprocess.report --training T --result R` makes the page again for any result. This module imports nothing,
because that command first decides how to report a library that fails to load.
"""
