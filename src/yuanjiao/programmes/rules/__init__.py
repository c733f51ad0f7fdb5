"""Pure rules of programmes: how a day is laid, what a live playlist says at a moment, the guide as XMLTV."""
