"""The process around the emulator: its home, proxy and certificates, how it is started, found and stopped."""
