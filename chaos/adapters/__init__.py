"""The outside world: HTTP, SQL, XML-RPC, sockets, subprocesses. Each call has a deadline."""
