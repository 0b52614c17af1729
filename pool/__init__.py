"""The pool: generators trained cycle after cycle on the training data, and the synthetic rows sampled from them.

build               the whole stage: missing cycles are run, recorded and joined to one CSV
parameters          what the user chooses, and the plan of the cycles that follows
cycle               one cycle: train, sample, write
cycle_writer        sampled rows to CSV
missing_indicators  true/false columns that tell the generator which values are missing
parallel, on_dask   where cycles run, and how many at once
generator/          MOSTLY AI's engine in a supervised process
storage/            a pool on the disk that survives kill -9
protocols, errors, files

`generator` and `storage` do not import each other. Nothing here imports `postprocess`: the stages share the CSV alone.
"""
