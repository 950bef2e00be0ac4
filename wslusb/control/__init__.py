"""How the command line talks to a running service or agent: one JSON object a line over a local socket."""
