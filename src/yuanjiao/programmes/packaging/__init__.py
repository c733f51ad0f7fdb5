"""What programmes make of films: a day for a television station, and the streams and recordings of live programmes."""

from yuanjiao.programmes.packaging.station import package

__all__ = ["package"]
