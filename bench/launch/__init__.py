"""Controller side of launches: fork servers, the workers forked from them, scratch folder, weights."""
