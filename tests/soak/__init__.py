"""Long runs against the chaos simulator; each has a short version that is always on."""
