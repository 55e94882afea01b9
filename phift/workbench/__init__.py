"""One spec on one target: loaded, connected, pinned, its facts read, compiled. What every verb works on."""
