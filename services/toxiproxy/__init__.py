"""Built-in stand-in for Toxiproxy 2.12: the same HTTP API, toxics and timing, in asyncio, without a Go toolchain.

One conformance suite, tests/contract/toxiproxy, runs against this and against the real server.

Where it differs on purpose:

- `/version` says `2.12.0+firedrill-standin` (build metadata: a program compares it as 2.12.0, a person sees the
  difference) and every answer carries `Server: firedrill-standin`.
- Attributes that crash the real server are refused with 400 and change nothing: a negative or overflowing bandwidth
  rate, a slicer whose sizes are not 0 <= size_variation <= average_size >= 1, a jitter of 2^62.
- A listen address without a host binds 127.0.0.1, not every interface.
- A configuration or an API port that can't be used ends the process with exit code 1 instead of leaving it half alive.
- Its API answers 403 to a Host that is neither loopback's, nor its own `-host`, nor in FIREDRILL_HOSTNAMES. The real
  server refuses only browsers, by their User-Agent, which the stand-in does as well.
- `-runtime-metrics` only switches `/metrics` on; there is no Go runtime to describe.

Source: the project's shared notes on Toxiproxy 2.12 as observed, and its source (MIT), github.com/Shopify/toxiproxy.
"""

API_VERSION = "2.12.0"
VERSION = f"{API_VERSION}+firedrill-standin"
SERVER = "firedrill-standin"
