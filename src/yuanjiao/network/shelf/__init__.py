"""What the network offers to the catalogue: the register of each subtree (this package's own names), and to everybody the rules and
targets by which rates are judged (`rulings`)."""

from yuanjiao.network.shelf.register import accept, name, offer

__all__ = ["accept", "name", "offer"]
