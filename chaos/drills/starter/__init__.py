"""What an attempt starts with besides the copy of `naive`: a first test of its own. Nothing here is imported."""
