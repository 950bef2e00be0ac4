"""The pytest plug-in of ``hil/suite``: devices for tests, rules, retries, results, what is kept of a failure."""
