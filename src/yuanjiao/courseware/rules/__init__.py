"""Pure rules of courseware: its life, the profiles it is packaged in, the text of its playlists."""
