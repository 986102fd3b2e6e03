"""Who gets the newsletter, and for how long their data is kept."""
