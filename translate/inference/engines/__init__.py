"""Runtimes that run a network on a CPU, faster than torch where they are faster."""
