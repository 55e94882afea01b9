"""Everything phift says to Azure, and the only way it says it: sessions, REST, blobs, wire bodies of SDK entities."""
