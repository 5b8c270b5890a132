"""The face of the index: routes, views and the ready bytes in front of them."""
