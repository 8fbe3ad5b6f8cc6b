"""What the user sees: the page, the canvas' server side, the 3D view, jobs, and the command line."""
