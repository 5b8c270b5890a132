"""The pages for people: log in, look after tokens and roles."""
