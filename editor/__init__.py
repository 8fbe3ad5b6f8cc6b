"""What the user means: an immutable Document, pure edits, history, sessions, files and formats. Imports engine.spec only."""
