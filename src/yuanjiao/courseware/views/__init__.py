"""Pages of producers, reviewers and column managers; the public playlists."""
