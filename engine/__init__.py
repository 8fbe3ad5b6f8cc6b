"""What the models make: occupancy from layouts, geometry from occupancy, pictures from geometry."""
