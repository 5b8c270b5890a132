"""The JSON API: one table of endpoints, from which come the routes and the OpenAPI document."""
