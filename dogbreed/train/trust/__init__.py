"""What a bundle promises: temperature, prediction sets, rejection."""
