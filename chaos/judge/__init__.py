"""From the record of a run to its verdict. Pure, streaming, and repeatable from the evidence folder alone."""
