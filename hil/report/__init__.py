"""What a run of the suite leaves: results.json, JUnit XML, an HTML page, and a merged timeline of each failure."""
