"""A bad line of our own between two processes: `link` for whole network namespaces, `proxy` on loopback where those are not allowed."""
