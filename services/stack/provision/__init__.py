"""One module per server that does not come with the code: where to find it, how to get it."""
