"""What a feed carried, in files that others read: Tardis CSV, hftbacktest, Parquet, Arrow, CSV."""
