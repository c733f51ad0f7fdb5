"""Dates as officers write them."""

DATE_FORMAT = "Y年n月j日"
DATETIME_FORMAT = "Y-m-d H:i"
SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = "m-d H:i"
TIME_FORMAT = "H:i"
