"""Any number of photos answered into Parquet files, on Ray; only this folder imports it."""
