"""What benches are made of; `make bench` runs only the files beside this folder."""
