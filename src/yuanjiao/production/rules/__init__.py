"""Pure rules of production: stages of a contest, totals, numbers of certificates."""
