"""The outside world: HTTP, SQL, XML-RPC, sockets, subprocesses. Each adapter fills a port, with a deadline on every call."""
