"""What a run leaves beside its result: summary.json for programs, and one page for people, drawn from that summary.

`python -m postprocess.report --training T --result R` makes the page again for any result. Nothing is imported here:
that command first settles what is said of libraries that do not load.
"""
