"""From an original to every form a terminal needs: probe (look), encode (ffmpeg), prove (decode to the end), work (the queue's order)."""
