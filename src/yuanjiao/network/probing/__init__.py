"""Looking actively: an edge at itself and its lines, a site at its whole way to a film, the centre at addresses it was told.

Silence is judged by the live array alone. What is found here is further evidence for the class of an outage, kept as spans of
equal outcomes, never as readings.
"""
