"""Public data sets: a card for each, and the way from its name to a folder that trains.

- `cards.find_cards(folders) -> {name: Card}`: those of the package and of further folders.
- `getting.get(card, directory, ...) -> Got`: download, check, unpack, inspect, move into place.
- `cityscapes.prepare(...)`: pairs from the archives that Cityscapes gives to those who register.
"""
