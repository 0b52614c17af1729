"""A pool on the disk that survives kill -9 at any moment.

pool_file  the pool CSV and its manifest, as one run changes them
manifest   the JSON file beside the CSV: where each byte comes from, and how each cycle was trained
resume     finds the pool of an earlier run that fits, or starts a new one
"""
