"""What a run leaves behind: results.json and samples."""
