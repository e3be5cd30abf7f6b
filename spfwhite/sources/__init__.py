"""All answers of a run: from DNS, web pages and memory."""
