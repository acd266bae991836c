"""Everything that runs in the stack; the engine (`chaos`) meets it over HTTP, SQL, PromQL and files only."""
