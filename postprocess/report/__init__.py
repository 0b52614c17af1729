"""What a run leaves beside its result: summary.json for programs, and one page for people, drawn from that summary.

`python -m postprocess.report --training T --result R` makes the page again for any result.
"""

from postprocess.report.facts import FileFacts, RunFacts, peak_memory_bytes, summary, write_summary
from postprocess.report.page import write_page

__all__ = ["FileFacts", "RunFacts", "peak_memory_bytes", "summary", "write_page", "write_summary"]
