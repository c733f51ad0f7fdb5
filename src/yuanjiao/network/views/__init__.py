"""Pages of the network, by noun."""
