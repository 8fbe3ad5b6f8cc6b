"""One function per command: takes the parsed arguments, returns the exit code. The imports that are slow stay inside."""
