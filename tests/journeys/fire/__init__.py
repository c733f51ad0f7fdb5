"""A small network under fire: real nodes on bad lines, all of them killed again and again, and what must be equal afterwards."""
