"""Yuanjiao 远教: distance education for village sites. See docs/map.md for the map of the house."""
