"""The studio: drag, drop, see. `translate serve` opens it."""
