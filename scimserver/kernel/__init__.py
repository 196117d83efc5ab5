"""Words that every floor shares. No input, no output, no third-party protocol."""
