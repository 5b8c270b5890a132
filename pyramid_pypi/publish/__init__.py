"""From a form on the wire to a stored file: receive, check, store."""
